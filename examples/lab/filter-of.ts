import { FilterReader } from '../../src/sstable/bloom-filter.js'
import type { Lab } from './lab.js'

/** The filter of a table file, from its bytes. */
export async function filterOf(lab: Lab, path: string): Promise<FilterReader> {
  const filter = (await lab.parts(path)).find(({ name }) => name === 'filter')
  const bits = filter?.children?.find(({ name }) => name === 'bits')
  if (filter === undefined || bits === undefined) throw new Error(`${path} has no filter`)
  const block = new Uint8Array(bits.offset + bits.length - filter.offset)
  const file = lab.environment.fileSystem.openRead(path)
  try {
    file.read(block, filter.offset)
  } finally {
    file.close()
  }
  return new FilterReader(block, { file: path })
}
