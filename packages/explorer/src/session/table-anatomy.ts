/** The inside of one table: its blocks in order, its filter, and where the get of the moment asked it. */
import type { EventOf, ProbeOutcome, TraceEvent } from 'kvarium/trace'
import { inspected, type FileBytes } from './file-bytes.js'

/** A block; offset and length in bytes. */
export interface AnatomyBlock {
  readonly kind: EventOf<'table.block'>['kind']
  readonly offset: number
  readonly length: number
  readonly entries: number
  /** Consecutive data blocks that are counted as one, if there are too many to draw. */
  readonly blocks: number
}

export interface AnatomyFilter {
  readonly bits: number
  readonly hashes: number
  readonly keys: number
  /** Bits in a cell; the last one may have fewer. */
  readonly bitsPerCell: number
  /** For every cell how many of its bits are set; none while the filter is not written. */
  readonly cells: readonly number[]
}

export interface TableAnatomy {
  readonly table: number
  readonly file: string
  readonly isBuilt: boolean
  readonly isRemoved: boolean
  readonly fileBytes: number
  readonly blocks: readonly AnatomyBlock[]
  readonly filter?: AnatomyFilter
  /** What the latest get asked the filter, if it asked this table and no operation has begun since. */
  readonly probe?: { readonly positions: readonly number[]; readonly mayContain: boolean; readonly outcome?: ProbeOutcome }
  /** Offset of the block that it read, or found in the cache. */
  readonly visited?: number
}

const MOST_BLOCKS = 100
const MOST_CELLS = 2048

export function fileOfTable(table: number): string {
  return `${String(table).padStart(6, '0')}.sst`
}

/** The table as of the first `count` events; `undefined` if none of them names it. */
export async function anatomyOf(
  events: readonly TraceEvent[],
  files: FileBytes,
  count: number,
  table: number,
): Promise<TableAnatomy | undefined> {
  const file = fileOfTable(table)
  let blocks: AnatomyBlock[] = []
  let filter: EventOf<'table.filter'> | undefined
  let built: EventOf<'table.built'> | undefined
  let isKnown = false
  let isRemoved = false
  let probe: EventOf<'bloom.probe'> | undefined
  let outcome: ProbeOutcome | undefined
  let visited: number | undefined
  for (let at = 0; at < count; at++) {
    const event = events[at]
    switch (event.type) {
      case 'file.create':
        if (event.file !== file) break
        blocks = []
        filter = undefined
        built = undefined
        isRemoved = false
        isKnown = true
        break
      case 'file.remove':
        if (event.file === file) isRemoved = true
        break
      case 'table.block':
        if (event.file !== table) break
        isKnown = true
        blocks.push({ kind: event.kind, offset: event.offset, length: event.length, entries: event.entries, blocks: 1 })
        break
      case 'table.filter':
        if (event.file === table) filter = event
        break
      case 'table.built':
        if (event.number === table) built = event
        break
      case 'operation.begin':
        probe = undefined
        outcome = undefined
        visited = undefined
        break
      case 'bloom.probe':
        if (event.file === table) probe = event
        break
      case 'get.probe':
        if (event.source.in === 'table' && event.source.file === table) outcome = event.outcome
        break
      case 'cache.hit':
      case 'cache.miss':
        if (event.file === table && event.job === 0) visited = event.id
        break
      default:
        break
    }
  }
  if (!isKnown) return undefined
  const last = blocks.at(-1)
  return {
    table,
    file,
    isBuilt: built !== undefined,
    isRemoved,
    fileBytes: built?.fileBytes ?? (last === undefined ? 0 : last.offset + last.length),
    blocks: bounded(blocks),
    ...(filter !== undefined && { filter: await drawnFilter(filter, files, count, file) }),
    ...(probe !== undefined && {
      probe: { positions: probe.positions, mayContain: probe.mayContain, ...(outcome !== undefined && { outcome }) },
    }),
    ...(visited !== undefined && { visited }),
  }
}

/** At most `MOST_BLOCKS` of them: neighbouring data blocks as one where there are more. */
function bounded(blocks: readonly AnatomyBlock[]): readonly AnatomyBlock[] {
  const together = Math.ceil(blocks.length / MOST_BLOCKS)
  if (together === 1) return blocks
  const drawn: AnatomyBlock[] = []
  for (const block of blocks) {
    const before = drawn.at(-1)
    if (before?.kind === 'data' && block.kind === 'data' && before.blocks < together) {
      const { length, entries } = before
      drawn[drawn.length - 1] = { ...before, length: length + block.length, entries: entries + block.entries, blocks: before.blocks + 1 }
    } else drawn.push(block)
  }
  return drawn
}

async function drawnFilter(
  { bits, hashes, keys }: EventOf<'table.filter'>,
  files: FileBytes,
  count: number,
  file: string,
): Promise<AnatomyFilter> {
  const bitsPerCell = Math.max(1, Math.ceil(bits / MOST_CELLS))
  const bytes = await filterBits(files, count, file)
  const cells = bytes === undefined ? [] : Array.from({ length: Math.ceil(bits / bitsPerCell) }, () => 0)
  for (let bit = 0; bytes !== undefined && bit < bits; bit++) cells[Math.floor(bit / bitsPerCell)] += (bytes[bit >>> 3] >>> (bit & 7)) & 1
  return { bits, hashes, keys, bitsPerCell, cells }
}

/** The bits of the filter in the file, the lowest of each byte first. */
async function filterBits(files: FileBytes, count: number, name: string): Promise<Uint8Array | undefined> {
  const file = files.at(count).rebuild(name)
  if (file === undefined || !file.isWhole) return undefined
  return inspected(file, inspection => {
    for (const { name: part, children } of inspection.parts()) {
      if (!part.startsWith('filter')) continue
      const bits = children?.find(child => child.name === 'bits')
      if (bits !== undefined) return inspection.read(bits.offset, bits.length)
    }
    return undefined
  })
}
