import { simulatedEnvironment } from '../../../src/vfs/index.js'
import { batchOf, DIRECTORY, emptyFileSystem, openBtree, type Operation } from './opened-btree.js'

/** The data file of a worked example in docs/formats/btree.md. */
export async function exampleFile(compression: 'none' | 'lz4' = 'none'): Promise<Uint8Array> {
  const fileSystem = emptyFileSystem()
  const environment = { ...simulatedEnvironment({ seed: 1, fileSystem }), random: { uint32: () => 0x11223344 } }
  const engine = await openBtree({ fileSystem, environment, created: true, options: { pageSize: 256, compression } })
  const entries: Operation[] = ['apple', 'apricot', 'banana', 'cherry', 'date'].map(key => ['put', key, `${key} `.repeat(9)])
  await engine.write(batchOf(entries), { sync: true })
  await engine.flush()
  await engine.write(batchOf([['put', 'apple', 'red']]), { sync: true })
  await engine.flush()
  const path = `${DIRECTORY}/data.btree`
  const bytes = new Uint8Array(fileSystem.stat(path)!.size)
  const file = fileSystem.openRead(path)
  file.read(bytes, 0)
  file.close()
  await engine.close()
  return bytes
}

/** As `xxd` shows it, without lines that hold nothing but zeros. */
export function dump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)]
    if (row.every(byte => byte === 0)) continue
    const hex = row.map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.map(byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex}  ${text}`.trimEnd())
  }
  return lines.join('\n')
}
