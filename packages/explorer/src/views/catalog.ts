/** Every drawing's picture by name, and the fold that makes it. A drawing is a line here, its fold beside this file, and its component in the page. */
import type { TraceEvent } from 'kvarium/trace'
import { CacheFold, type CachePicture } from './cache-fold.js'
import { DataFold, type DataPicture } from './data-fold.js'
import { FilesFold, type FilesPicture } from './files-fold.js'
import type { Fold } from './fold.js'
import { LedgerFold, type LedgerPicture } from './ledger-fold.js'
import { LevelsFold, type LevelsPicture } from './levels-fold.js'
import { LogFold, type LogsPicture } from './log-fold.js'
import { MemtableFold, type MemtablesPicture } from './memtable-fold.js'
import { MergeFold, type MergesPicture } from './merge-fold.js'
import { PagesFold, type PagesPicture } from './pages-fold.js'
import { SpaceFold, type SpacePicture } from './space-fold.js'

/** Pictures by name; those of other engines are missing. */
export interface Pictures {
  readonly log?: LogsPicture
  readonly memtable?: MemtablesPicture
  readonly levels?: LevelsPicture
  readonly merge?: MergesPicture
  readonly pages?: PagesPicture
  readonly space?: SpacePicture
  readonly directory?: DataPicture
  readonly cache?: CachePicture
  readonly ledger?: LedgerPicture
  readonly files?: FilesPicture
}

export type PictureName = keyof Pictures

interface Entry<Picture> {
  /** Absent for all engines. */
  readonly engine?: string
  readonly make: () => Fold<Picture>
}

const CATALOG: { readonly [Name in PictureName]-?: Entry<NonNullable<Pictures[Name]>> } = {
  log: { make: () => new LogFold() },
  memtable: { engine: 'lsm', make: () => new MemtableFold() },
  levels: { engine: 'lsm', make: () => new LevelsFold() },
  merge: { engine: 'lsm', make: () => new MergeFold() },
  pages: { engine: 'btree', make: () => new PagesFold() },
  space: { engine: 'btree', make: () => new SpaceFold() },
  directory: { engine: 'hash', make: () => new DataFold() },
  cache: { make: () => new CacheFold() },
  ledger: { make: () => new LedgerFold() },
  files: { make: () => new FilesFold() },
}

/** New folds for a lane of this engine, by name; `before` stands for the files that it begins with. */
export function foldsFor(engine: string, before: readonly TraceEvent[] = []): Readonly<Record<string, Fold<unknown>>> {
  const entries = Object.entries<Entry<unknown>>(CATALOG).filter(([, entry]) => entry.engine === undefined || entry.engine === engine)
  const folds = Object.fromEntries(entries.map(([name, { make }]) => [name, make()]))
  if (before.length > 0) for (const fold of Object.values(folds)) fold.findFiles?.(before)
  return folds
}
