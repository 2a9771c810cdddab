/** The figures of a lane at a position, from the pictures that its drawings have: what two lanes are compared by. */
import { DATA_FILE } from 'kvarium/btree'
import type { ReadPart, WritePart } from 'kvarium/trace'
import type { Pictures } from './catalog.js'
import type { FilesPicture } from './files-fold.js'

/** Ends of background work and waits that have been so far. */
export interface JobCounts {
  readonly flush: number
  readonly compaction: number
  readonly checkpoint: number
  readonly stall: number
}

export interface Figure {
  readonly group: 'write amplification' | 'read amplification' | 'space amplification' | 'bytes read' | 'background' | 'cache' | 'shape'
  readonly name: string
  /** `x`: bytes per byte. `each`: a number per get. */
  readonly unit: 'x' | 'each' | 'bytes' | 'count' | 'share'
  readonly value: number
}

const WRITTEN: Readonly<Record<WritePart, string>> = {
  log: 'log',
  flush: 'flush',
  compaction: 'compaction',
  page: 'pages',
  meta: 'meta',
  backup: 'backup',
}
const READ: Readonly<Record<ReadPart, string>> = {
  open: 'opening',
  get: 'gets',
  scan: 'scans',
  compaction: 'compaction',
  changes: 'changes',
  backup: 'backup',
}

/** Figures that a lane has nothing of are missing: an amplification without user bytes, blocks per get without gets. */
export function figuresOf({ ledger, levels, pages, directory, cache, files }: Pictures, jobs: JobCounts): readonly Figure[] {
  const figures: Figure[] = []
  const add = (group: Figure['group'], name: string, unit: Figure['unit'], value: number): void => {
    figures.push({ group, name, unit, value })
  }
  if (ledger !== undefined) {
    const { now, read } = ledger
    const written = sum(Object.values(now.written))
    if (now.userBytes > 0) {
      add('write amplification', 'written per user byte', 'x', written / now.userBytes)
      for (const part of Object.keys(WRITTEN) as WritePart[]) {
        if (now.written[part] > 0) add('write amplification', WRITTEN[part], 'x', now.written[part] / now.userBytes)
      }
    }
    add('write amplification', 'bytes written', 'bytes', written)
    if (now.gets > 0) {
      add('read amplification', pages !== undefined ? 'pages per get' : 'blocks per get', 'each', now.blocks / now.gets)
      add('read amplification', 'of these from disk', 'each', now.blocksFromDisk / now.gets)
    }
    if (now.liveBytes > 0) add('space amplification', 'bytes of files per live byte', 'x', now.fileBytes / now.liveBytes)
    for (const [kind, bytes] of bytesByKind(files)) {
      if (now.liveBytes > 0 && bytes > 0) add('space amplification', kind, 'x', bytes / now.liveBytes)
    }
    add('space amplification', 'bytes of files', 'bytes', now.fileBytes)
    add('bytes read', 'bytes read', 'bytes', sum(Object.values(read)))
    for (const part of Object.keys(READ) as ReadPart[]) if (read[part] > 0) add('bytes read', READ[part], 'bytes', read[part])
  }
  if (levels !== undefined) {
    add('background', 'flushes', 'count', jobs.flush)
    add('background', 'compactions', 'count', jobs.compaction)
  }
  if (directory !== undefined) {
    add('background', 'logs sealed', 'count', jobs.flush)
    add('background', 'merges', 'count', jobs.compaction)
  }
  if (pages !== undefined) add('background', 'checkpoints', 'count', jobs.checkpoint)
  add('background', 'stalls', 'count', jobs.stall)
  if (cache !== undefined) {
    add('cache', 'hits', 'count', cache.hits)
    add('cache', 'misses', 'count', cache.misses)
    if (cache.hits + cache.misses > 0) add('cache', 'share of hits', 'share', cache.hits / (cache.hits + cache.misses))
    add('cache', 'evictions', 'count', cache.evictions)
  }
  if (files !== undefined) add('shape', 'files', 'count', files.files.length)
  if (levels !== undefined) {
    const filled = levels.levels.filter(({ tables }) => tables > 0)
    add('shape', 'tables', 'count', sum(filled.map(({ tables }) => tables)))
    add('shape', 'levels with tables', 'count', filled.length)
    add('shape', 'runs', 'count', sum(filled.map(({ runs }) => runs)))
    const memory = sum([levels.memtable, ...levels.frozen].map(({ bytes }) => bytes))
    add('shape', 'memory: memtables and cache', 'bytes', memory + (cache?.bytes ?? 0))
  }
  if (pages !== undefined) {
    const { tree, height, memory } = pages.shape
    add('shape', 'pages', 'count', sum(tree.map(level => level.pages)))
    add('shape', 'height', 'count', height)
    add('shape', 'memory: changed pages and cache', 'bytes', memory.dirtyBytes + (cache?.bytes ?? 0))
  }
  if (directory !== undefined) {
    const { shape, deadBytes, sealedBytes } = directory
    add('shape', 'keys in the directory', 'count', shape.directory.records)
    if (sealedBytes > 0) add('shape', 'dead share of the sealed files', 'share', deadBytes / sealedBytes)
    add('shape', 'memory: directory and cache', 'bytes', shape.directory.bytes + (cache?.bytes ?? 0))
  }
  return figures
}

/** Bytes of the files of each kind. */
function bytesByKind(picture: FilesPicture | undefined): ReadonlyMap<string, number> {
  const kinds = new Map<string, number>()
  for (const { name, bytes } of picture?.files ?? []) {
    const kind = name.endsWith('.log')
      ? 'logs'
      : name.endsWith('.sst')
        ? 'tables'
        : name.endsWith('.data')
          ? 'data files'
          : name.endsWith('.hint')
            ? 'hint files'
            : name === DATA_FILE
              ? 'pages'
              : 'other files'
    kinds.set(kind, (kinds.get(kind) ?? 0) + bytes)
  }
  return kinds
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
