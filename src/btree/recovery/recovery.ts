/**
 * Opening: from the data file and the logs that a clean close, a kill or a power loss left, the tree to go on with.
 *
 * Invariants:
 * 1. The newest valid meta page says which tree counts, and which log goes on from it: all logs from that one to the last one it knows
 *    must be there. Replaying them changes nothing in the data file that this tree needs, so recovery can be cut short and begun again.
 * 2. Replay needs no space on the disk: where there is none, changed pages stay in memory. What has to be written before the store takes
 *    writes is in log-start.ts; on a full disk the store opens without, for reading.
 */
import { Cache } from '../../cache/cache.js'
import { loadHash32, type Hash32 } from '../../codec/checksum.js'
import type { EngineContext } from '../../engine/contract.js'
import { logName, parseLogName, replayLogs, type ReplayedLogs } from '../../engine/durable/log-replay.js'
import { LogSet } from '../../engine/durable/log-set.js'
import { CorruptionError } from '../../errors.js'
import { Ledger, newReadCounts } from '../../trace/ledger.js'
import { joinPath, type FileHandle } from '../../vfs/file-system.js'
import { MeteredFileSystem } from '../../vfs/metered-file-system.js'
import { isOutOfSpace } from '../../vfs/vfs-error.js'
import { LOG_HEADER_BYTES } from '../../wal/format.js'
import { Checkpointer } from '../checkpoint/checkpoint.js'
import { createTreeFile } from './creation.js'
import { CurrentLog } from '../checkpoint/current-log.js'
import { DroppedSubtrees } from '../pages/dropped-subtrees.js'
import { DATA_FILE } from '../file-names.js'
import { readFreeList } from '../pages/free-list.js'
import type { FreeSpace } from '../pages/free-space.js'
import { LiveVersions } from '../pages/live-versions.js'
import { LogStart } from './log-start.js'
import { META_BYTES, readMeta, type Meta } from '../pages/meta-page.js'
import { checkOptions, type BtreeOptions, type BtreeSettings } from '../options.js'
import { PageFile } from '../pages/page-file.js'
import { PageStore } from '../pages/page-store.js'
import { PageTrace } from '../pages/page-trace.js'
import type { BtreeParts } from '../parts.js'
import { ReplayBuffer } from './replay-buffer.js'
import type { LeafSplit } from '../tree/split.js'
import { Tree } from '../tree/tree.js'

/** Share of `writeBufferSize` that stays allocated for reuse by other pages: a checkpoint needs memory in bursts. */
const IDLE_SHARE = 1 / 4
/** Replay sorts operations of up to this share of `writeBufferSize` at a time, and of at most `MOST_REPLAY_BYTES`. */
const REPLAY_SHARE = 1 / 4
const MOST_REPLAY_BYTES = 32 * 1024 * 1024
/** Changed pages that replay leaves in memory, in multiples of `writeBufferSize`: as many as a session may have. */
const MOST_BUFFERS = 2

export async function openParts(context: EngineContext, settings: BtreeSettings): Promise<BtreeParts> {
  const hash32 = await loadHash32()
  const { fileSystem } = context.environment
  const path = joinPath(context.directory, DATA_FILE)
  checkOptions(context.options as unknown as BtreeOptions)
  const file = context.created ? await createTreeFile(context, hash32) : openExisting(context, path)
  let recovery: Recovery | undefined
  try {
    recovery = new Recovery(context, hash32, file, settings)
    return await recovery.run()
  } catch (error) {
    await recovery?.abandon(error)
    file.close()
    throw error
  }

  function openExisting(context: EngineContext, path: string): FileHandle {
    if (fileSystem.stat(path) === undefined) throw new CorruptionError('The data file of the tree is missing', { file: path })
    return context.environment.fileSystem.openWrite(path)
  }
}

class Recovery {
  readonly #context: EngineContext
  readonly #options: BtreeOptions
  readonly #leafSplit: LeafSplit | undefined
  readonly #hash32: Hash32
  readonly #ledger = new Ledger()
  readonly #meta: Meta
  readonly #file: PageFile
  readonly #free: FreeSpace
  readonly #dropped: DroppedSubtrees
  readonly #cache: Cache
  readonly #store: PageStore
  readonly #versions: LiveVersions
  #isDiskFull = false
  #logs: LogSet | undefined

  constructor(context: EngineContext, hash32: Hash32, handle: FileHandle, settings: BtreeSettings) {
    const options = context.options as unknown as BtreeOptions
    const { poisonFrames = false, leafSplit } = settings
    this.#context = context
    this.#options = options
    this.#leafSplit = leafSplit
    this.#hash32 = hash32
    const meta = readMeta(handle, hash32)
    this.#meta = meta
    this.#file = new PageFile({
      file: handle,
      unitBytes: meta.unitBytes,
      identity: meta.identity,
      hash32,
      ledger: this.#ledger,
      trace: context.trace,
    })
    this.#ledger.read.open += 2 * META_BYTES
    if (context.created) {
      this.#ledger.written.meta += 2 * META_BYTES
      this.#ledger.syncs++
    }
    this.#free = readFreeList(this.#file, meta)
    this.#dropped = new DroppedSubtrees(this.#file, this.#free, context.environment.scheduler)
    const idleBytes = Math.floor(options.writeBufferSize * IDLE_SHARE)
    this.#cache = new Cache(options.cacheSize, { poisonFrames, idleBytes, trace: context.trace ?? null })
    const trace = PageTrace.of(context.trace)
    this.#free.trace = trace
    this.#store = new PageStore(this.#file, this.#cache, newReadCounts(), trace)
    this.#versions = new LiveVersions(page => this.#dropped.release(page), trace)
    this.#emitMeta()
  }

  async run(): Promise<BtreeParts> {
    const context = this.#context
    const { environment, directory } = context
    const { fileSystem } = environment
    const tree = this.#tree()
    this.#dropped.attach(this.#store, tree.levels)
    const checkpointer = new Checkpointer({
      environment,
      tree,
      file: this.#file,
      free: this.#free,
      dropped: this.#dropped,
      hash32: this.#hash32,
      meta: this.#meta,
      version: this.#versions.hold(tree.root, false),
      trace: context.trace,
    })
    const replayed = await this.#replay(tree, checkpointer)
    const present = fileSystem.list(directory).flatMap(name => parseLogName(name) ?? [])
    const log = this.#currentLog(Math.max(this.#meta.lastLog, ...present) + 1)
    const { scheduler } = environment
    const logs = new LogSet(
      { fileSystem, directory, hash32: this.#hash32, ledger: this.#ledger, scheduler, trace: context.trace },
      undefined,
      keptLogs(replayed),
    )
    this.#logs = logs
    const logStart = new LogStart({ context, ledger: this.#ledger, checkpointer, logs, log, replayed })
    await logStart.run().catch((error: unknown) => {
      if (context.created || !isOutOfSpace(error)) throw error
    })
    this.#ledger.read.open += this.#file.bytesRead
    this.#file.bytesRead = 0
    const inner = newReadCounts()
    this.#store.counts = inner
    this.#emitOpen(tree)
    return {
      context,
      options: this.#options,
      ledger: this.#ledger,
      cache: this.#cache,
      file: this.#file,
      free: this.#free,
      dropped: this.#dropped,
      store: this.#store,
      tree,
      checkpointer,
      logs,
      log,
      logStart,
      inner,
    }
  }

  /** After a failure: closes the log that was begun, without the marker of a clean close. */
  async abandon(error: unknown): Promise<void> {
    this.#logs?.poison(error)
    await this.#logs?.close()
  }

  #currentLog(number: number): CurrentLog {
    const { environment, directory, trace } = this.#context
    const { fileSystem } = environment
    const names = {
      clear: (number: number) => {
        const path = joinPath(directory, logName(number))
        if (fileSystem.stat(path) !== undefined) fileSystem.remove(path)
      },
      makeDurable: () => this.#syncDirectory(),
    }
    return new CurrentLog(number, names, trace?.trace ?? null)
  }

  async #syncDirectory(): Promise<void> {
    const { environment, directory } = this.#context
    this.#ledger.syncs++
    await environment.fileSystem.syncDirectory(directory)
  }

  #emitMeta(): void {
    const { number, sequence, firstLog, unitBytes, root, pages, units } = this.#meta
    const { entries, liveBytes } = root
    const [fileBytes, { freeUnits }] = [this.#file.size, this.#free]
    const tree = { entrySequence: sequence, unitBytes, entries, liveBytes, pages, units }
    this.#context.trace?.emit({ type: 'meta.read', number, firstLog, ...tree, fileBytes, freeUnits })
  }

  /** A store keeps the page size that it was created with, whatever is asked for now. */
  #emitOpen({ sequence }: Tree): void {
    const options = { ...this.#options, pageSize: this.#meta.unitBytes }
    this.#context.trace?.emit({ type: 'engine.open', engine: 'btree', entrySequence: sequence, options })
  }

  #tree(): Tree {
    const { height, root, sequence, pages, units } = this.#meta
    const page = height === 0 ? undefined : this.#store.loaded(this.#store.attach(height - 1, root))
    const tree = new Tree(this.#store, this.#versions, page, this.#leafSplit)
    tree.sequence = sequence
    for (let level = 0; level < height; level++) tree.levels.change(level, pages[level], units[level])
    return tree
  }

  async #replay(tree: Tree, checkpointer: Checkpointer): Promise<ReplayedLogs> {
    const { environment, directory } = this.#context
    const meter = new MeteredFileSystem(environment.fileSystem)
    const { firstLog, lastLog, sequence, ends } = this.#meta
    const { writeBufferSize } = this.#options
    const buffer = new ReplayBuffer(tree, Math.min(MOST_REPLAY_BYTES, writeBufferSize * REPLAY_SHARE))
    const turn = (): Promise<void> => environment.scheduler.turn()
    const drain = (): Promise<void> => buffer.drain(() => this.#afterSlice(checkpointer))
    const replayed = await replayLogs({
      fileSystem: meter,
      directory,
      hash32: this.#hash32,
      firstLog,
      durableHeaders: true,
      wholeLogs: ends,
      expected: Array.from({ length: Math.max(0, lastLog - firstLog + 1) }, (_, i) => firstLog + i),
      sequence,
      trace: this.#context.trace,
      apply: (reader, bytes) => buffer.add(reader, bytes),
      makeRoom: drain,
      turn,
    })
    await drain()
    this.#ledger.read.open += meter.counts().total.bytesRead
    return replayed
  }

  /** Between slices of replay: keeps memory within bounds if the disk has room, and lets the event loop turn. */
  async #afterSlice(checkpointer: Checkpointer): Promise<void> {
    if (this.#store.dirtyBytes > MOST_BUFFERS * this.#options.writeBufferSize && !this.#isDiskFull) {
      try {
        await checkpointer.writeOut()
      } catch (error) {
        if (!isOutOfSpace(error)) throw error
        this.#isDiskFull = true
      }
    }
    await this.#context.environment.scheduler.turn()
  }
}

/** The logs that are carried on, and how long they are once what was dropped of them has been cut off. */
function keptLogs({ logs, validBytes, keptBytes }: ReplayedLogs): ReadonlyMap<number, number> {
  return new Map(
    [...logs].map(([number, bytes]) => {
      const kept = keptBytes.get(number) ?? 0
      return [number, kept > 0 && kept === validBytes.get(number) ? bytes : Math.max(kept, LOG_HEADER_BYTES)]
    }),
  )
}
