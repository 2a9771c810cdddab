/** Opening a B+tree directory: opens the data file, builds the parts around it, recovers the tree, starts a log. */
import { Cache } from '../cache/cache.js'
import { loadHash32, type Hash32 } from '../codec/checksum.js'
import type { EngineContext } from '../engine/contract.js'
import { logName, parseLogName } from '../engine/durable/log-names.js'
import { LogSet } from '../engine/durable/log-set.js'
import { ExpiryClock } from '../engine/expiry-clock.js'
import { retentionOf } from '../engine/durable/retained-logs.js'
import { CorruptionError } from '../errors.js'
import { Ledger, newReadCounts } from '../trace/ledger.js'
import { joinPath, type FileHandle } from '../vfs/file-system.js'
import { isOutOfSpace } from '../vfs/vfs-error.js'
import { Checkpointer } from './checkpoint/checkpoint.js'
import { CurrentLog } from './checkpoint/current-log.js'
import { BtreeEngine } from './engine.js'
import { DATA_FILE } from './file-names.js'
import { checkOptions, type BtreeOptions, type BtreeSettings } from './options.js'
import { DroppedSubtrees } from './pages/dropped-subtrees.js'
import { readFreeList } from './pages/free-list.js'
import type { FreeSpace } from './pages/free-space.js'
import { LiveVersions } from './pages/live-versions.js'
import { META_BYTES, readMeta, type Meta } from './pages/meta-page.js'
import { PageFile } from './pages/page-file.js'
import { PageStore } from './pages/page-store.js'
import { PageTrace } from './pages/page-trace.js'
import { createTreeFile } from './recovery/creation.js'
import { LogStart } from './recovery/log-start.js'
import { keptLogs, replay, treeOnDisk } from './recovery/recovery.js'
import { Expiries } from './tree/expiries.js'

/** Share of `writeBufferSize` that stays allocated for reuse by other pages: a checkpoint needs memory in bursts. */
const IDLE_SHARE = 1 / 4

/** @param context Its directory is absolute. */
export async function openBtree(context: EngineContext, settings: BtreeSettings): Promise<BtreeEngine> {
  const options = context.options as unknown as BtreeOptions
  const { environment, directory, created, trace } = context
  const { fileSystem, scheduler } = environment
  const hash32 = await loadHash32()
  checkOptions(options)
  const handle = created ? await createTreeFile(context, hash32) : openTreeFile(context)
  let logs: LogSet | undefined
  try {
    const pages = pageParts(context, settings, hash32, handle)
    const { ledger, meta, file, free, dropped, store, versions } = pages
    const expiryClock = new ExpiryClock(environment.clock)
    const expiries = new Expiries({ clock: expiryClock, ledger, trace, isUsed: meta.hasExpiries })
    const tree = treeOnDisk(meta, store, versions, settings.leafSplit, expiries)
    dropped.attach(store, tree.levels)
    const version = versions.hold(tree.root, false)
    const checkpointer = new Checkpointer({ environment, tree, file, free, dropped, hash32, meta, version, trace })
    checkpointer.noteStoredShare()
    const { logs: replayed, deferred } = await replay({ context, options, hash32, meta, ledger, tree, checkpointer })
    const present = fileSystem.list(directory).flatMap(name => parseLogName(name) ?? [])
    const log = currentLog(context, ledger, Math.max(meta.lastLog, ...present) + 1)
    const retention = retentionOf(fileSystem, directory, options.changesRetainBytes, created ? 0 : meta.firstLog)
    logs = new LogSet({ fileSystem, directory, hash32, ledger, scheduler, retention, trace }, undefined, keptLogs(replayed))
    const logStart = new LogStart({ context, ledger, checkpointer, logs, log, replayed, deferred })
    const isClean = !created && replayed.filled.size === 0
    if (deferred === undefined && !isClean && context.inspecting !== true) {
      await logStart.run().catch((error: unknown) => {
        if (created || !isOutOfSpace(error)) throw error
      })
    }
    ledger.read.open += file.bytesRead
    file.bytesRead = 0
    const inner = newReadCounts()
    store.counts = inner
    // A store keeps the page size and the compression that it was created with.
    const inForce = { ...options, pageSize: meta.pageBytes, compression: file.packer === undefined ? 'none' : 'lz4' }
    trace?.emit({ type: 'engine.open', engine: 'btree', entrySequence: tree.sequence, options: inForce })
    const mayHold = options.entryCache && (trace?.trace.at('io') ?? null) === null
    const entries = mayHold ? (await import('../engine/entry-cache.js')).EntryCache.of(pages.cache, settings.entryCachePace) : undefined
    const parts = { ...pages, entries, context, options, hash32, tree, checkpointer, logs, log, logStart, deferred, inner, expiryClock }
    const engine = new BtreeEngine(parts)
    if (isClean && context.inspecting !== true) engine.startLater()
    return engine
  } catch (error) {
    // Without the marker of a clean close.
    logs?.poison(error)
    await logs?.close()
    handle.close()
    throw error
  }
}

function openTreeFile({ environment, directory }: EngineContext): FileHandle {
  const { fileSystem } = environment
  const path = joinPath(directory, DATA_FILE)
  if (fileSystem.stat(path) === undefined) throw new CorruptionError('The data file of the tree is missing', { file: path })
  return fileSystem.openWrite(path)
}

/** The meta page in force, and the parts that read and write the pages of the file. */
interface PageParts {
  readonly ledger: Ledger
  readonly meta: Meta
  readonly file: PageFile
  readonly free: FreeSpace
  readonly dropped: DroppedSubtrees
  readonly cache: Cache
  readonly store: PageStore
  readonly versions: LiveVersions
}

function pageParts(context: EngineContext, settings: BtreeSettings, hash32: Hash32, handle: FileHandle): PageParts {
  const { poisonFrames = false } = settings
  const { cacheSize, writeBufferSize } = context.options as unknown as BtreeOptions
  const ledger = new Ledger()
  const meta = readMeta(handle, hash32)
  const { unitBytes, pageBytes, identity } = meta
  const file = new PageFile({ file: handle, unitBytes, pageBytes, identity, hash32, ledger, trace: context.trace })
  ledger.read.open += 2 * META_BYTES
  if (context.created) {
    ledger.written.meta += 2 * META_BYTES
    ledger.syncs++
  }
  const free = readFreeList(file, meta)
  const dropped = new DroppedSubtrees(file, free, context.environment.scheduler)
  const idleBytes = Math.floor(writeBufferSize * IDLE_SHARE)
  const cache = new Cache(cacheSize, { poisonFrames, idleBytes, trace: context.trace ?? null })
  const trace = PageTrace.of(context.trace)
  free.trace = trace
  const store = new PageStore(file, cache, newReadCounts(), trace)
  const versions = new LiveVersions(page => dropped.release(page), trace)
  emitMeta(context, meta, file.size, free.freeUnits)
  return { ledger, meta, file, free, dropped, cache, store, versions }
}

function emitMeta({ trace }: EngineContext, meta: Meta, fileBytes: number, freeUnits: number): void {
  const { number, sequence, firstLog, unitBytes, pageBytes, root, pages, units } = meta
  const { entries, liveBytes } = root
  const tree = { entrySequence: sequence, unitBytes, ...(pageBytes > unitBytes && { pageBytes }), entries, liveBytes, pages, units }
  trace?.emit({ type: 'meta.read', number, firstLog, ...tree, fileBytes, freeUnits })
}

function currentLog({ environment, directory }: EngineContext, ledger: Ledger, number: number): CurrentLog {
  const { fileSystem } = environment
  const names = {
    clear: (number: number) => {
      const path = joinPath(directory, logName(number))
      if (fileSystem.stat(path) !== undefined) fileSystem.remove(path)
    },
    makeDurable: async () => {
      ledger.syncs++
      await fileSystem.syncDirectory(directory)
    },
  }
  return new CurrentLog(number, names)
}
