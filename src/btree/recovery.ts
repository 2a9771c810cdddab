/**
 * Opening: from the data file and the logs that a clean close, a kill or a power loss left, the tree to go on with.
 *
 * Invariants:
 * 1. The newest valid meta page says which tree counts, and which log goes on from it: all logs from that one to the last one it knows
 *    must be there. Replaying them changes nothing in the data file that this tree needs, so recovery can be cut short and begun again.
 * 2. That meta page may be in the system's memory only, written by a process that was killed before it was synced. It is written again,
 *    and synced, before the other one is overwritten.
 * 3. Before writes are accepted a new meta page names the new log. If anything of a log was dropped, or did not fit memory, that meta page
 *    comes with a checkpoint: no later recovery meets the same torn logs with new ones behind them.
 */
import { Cache } from '../cache/cache.js'
import { loadHash32, type Hash32 } from '../codec/checksum.js'
import type { BatchReader } from '../engine/batch.js'
import type { EngineContext } from '../engine/contract.js'
import { logName, makeLogDurable, parseLogName, replayLogs, type ReplayedLogs } from '../engine/log-replay.js'
import { LogSet } from '../engine/log-set.js'
import { CorruptionError } from '../errors.js'
import { Ledger, newReadCounts } from '../trace/ledger.js'
import { joinPath, type FileHandle } from '../vfs/file-system.js'
import { MeteredFileSystem } from '../vfs/metered-file-system.js'
import { applyBatch } from './apply-batch.js'
import { Checkpointer } from './checkpoint.js'
import { createTreeFile } from './creation.js'
import { CurrentLog } from './current-log.js'
import { DroppedSubtrees } from './dropped-subtrees.js'
import { DATA_FILE } from './file-names.js'
import { readFreeList } from './free-list.js'
import type { FreeSpace } from './free-space.js'
import { HeldRoots } from './held-roots.js'
import { META_BYTES, readMeta, type Meta } from './meta-page.js'
import { checkOptions, type BtreeOptions, type BtreeSettings } from './options.js'
import { PageFile } from './page-file.js'
import { PageStore } from './page-store.js'
import { PageTrace } from './page-trace.js'
import type { BtreeParts } from './parts.js'
import type { LeafSplit } from './split.js'
import { Tree } from './tree.js'

/** Memory of pages that is kept for others, of the buffer of changed pages: a checkpoint needs it in gusts. */
const IDLE_SHARE = 1 / 4
/** More logs than this are not carried on: a checkpoint does away with them. */
const MAX_RECOVERED_LOGS = 4

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
  readonly #held: HeldRoots
  #wroteOut = false
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
    this.#held = new HeldRoots(page => this.#dropped.release(page), trace)
    this.#tellMeta()
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
      held: this.#held.hold(tree.root, false),
      trace: context.trace,
    })
    const replayed = await this.#replay(tree, checkpointer)
    const present = fileSystem.list(directory).flatMap(name => parseLogName(name) ?? [])
    const newLog = Math.max(this.#meta.lastLog, ...present) + 1
    const { scheduler } = environment
    const logs = new LogSet(
      { fileSystem, directory, hash32: this.#hash32, ledger: this.#ledger, scheduler, trace: context.trace },
      newLog,
      replayed.logs,
    )
    this.#logs = logs
    await logs.sync()
    const log = this.#currentLog(newLog)
    await this.#syncDirectory()
    await checkpointer.rewriteMeta(logs)
    checkpointer.cut()
    if (!this.#isCarriedOn(replayed)) {
      await checkpointer.run(logs, log)
    } else {
      const number = this.#meta.number + 1
      const firstLog = replayed.logs.size > 0 ? this.#meta.firstLog : newLog
      await checkpointer.writeMeta({ ...this.#meta, number, firstLog, lastLog: newLog, ends: replayed.validBytes }, logs)
    }
    this.#removeObsolete(checkpointer.meta.firstLog)
    this.#ledger.read.open += this.#file.bytesRead
    this.#file.bytesRead = 0
    const inner = newReadCounts()
    this.#store.counts = inner
    this.#tellOpen(tree)
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

  #tellMeta(): void {
    const { number, sequence, firstLog, unitBytes, root, pages, units } = this.#meta
    const { entries, liveBytes } = root
    const [fileBytes, { freeUnits }] = [this.#file.size, this.#free]
    const tree = { entrySequence: sequence, unitBytes, entries, liveBytes, pages, units }
    this.#context.trace?.emit({ type: 'meta.read', number, firstLog, ...tree, fileBytes, freeUnits })
  }

  /** A store keeps the page size that it was created with, whatever is asked for now. */
  #tellOpen({ sequence }: Tree): void {
    const options = { ...this.#options, pageSize: this.#meta.unitBytes }
    this.#context.trace?.emit({ type: 'engine.open', engine: 'btree', entrySequence: sequence, options })
  }

  #tree(): Tree {
    const { height, root, sequence, pages, units } = this.#meta
    const page = height === 0 ? undefined : this.#store.loaded(this.#store.attach(height - 1, root))
    const tree = new Tree(this.#store, this.#held, page, this.#leafSplit)
    tree.sequence = sequence
    for (let level = 0; level < height; level++) tree.levels.change(level, pages[level], units[level])
    return tree
  }

  async #replay(tree: Tree, checkpointer: Checkpointer): Promise<ReplayedLogs> {
    const { environment, directory } = this.#context
    const meter = new MeteredFileSystem(environment.fileSystem)
    const { firstLog, lastLog, sequence, ends } = this.#meta
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
      apply: reader => this.#apply(tree, checkpointer, reader),
      makeRoom: async () => {
        this.#wroteOut = true
        await checkpointer.writeOut()
      },
    })
    if (this.#isCarriedOn(replayed)) {
      for (const number of replayed.logs.keys()) {
        this.#ledger.syncs++
        this.#ledger.written.log += await makeLogDurable(meter, directory, number, replayed)
      }
    }
    this.#ledger.read.open += meter.counts().total.bytesRead
    return replayed
  }

  /** Whether the logs stay as they are, and new ones follow them. */
  #isCarriedOn({ droppedBytes, logs, validBytes }: ReplayedLogs): boolean {
    // One without a header was created and got no further.
    const areWhole = droppedBytes === 0 && [...validBytes.values()].every(bytes => bytes > 0)
    return areWhole && !this.#wroteOut && logs.size <= MAX_RECOVERED_LOGS
  }

  #apply(tree: Tree, checkpointer: Checkpointer, reader: BatchReader): boolean {
    if (this.#store.dirtyBytes >= this.#options.writeBufferSize && checkpointer.isDue && !this.#justWroteOut()) return false
    applyBatch(tree, reader)
    return true
  }

  /** A single page may be larger than the buffer: what was just written out is room enough. */
  #justWroteOut(): boolean {
    return this.#store.dirtyBytes <= this.#store.unitBytes * 8
  }

  #removeObsolete(firstLog: number): void {
    const { environment, directory } = this.#context
    const { fileSystem } = environment
    for (const name of fileSystem.list(directory)) {
      if ((parseLogName(name) ?? Infinity) >= firstLog) continue
      try {
        fileSystem.remove(joinPath(directory, name))
      } catch {
        // Harmless: no meta page asks for it any more.
      }
    }
  }
}
