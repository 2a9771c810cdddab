/** Opening an LSM directory: builds the parts, recovers, writes what a start takes. A store that exists opens on a full disk without. */
import { Cache } from '../cache/cache.js'
import { loadHash32 } from '../codec/checksum.js'
import type { EngineContext, EngineFactory, EngineVariant } from '../engine/contract.js'
import { Ledger, newReadCounts } from '../trace/ledger.js'
import type { Span } from '../trace/span.js'
import { absolutePath } from '../vfs/file-system.js'
import { isOutOfSpace } from '../vfs/vfs-error.js'
import type { CompactionPicker } from './compaction/pickers/compaction-picker.js'
import { LsmEngine } from './engine.js'
import { inlineExecutor, inlineExecutorWith, type ExecutorFactory } from './compaction/executor.js'
import { LSM_FILES } from './file-names.js'
import { JobRunner } from './compaction/job-runner.js'
import { LeveledPicker } from './compaction/pickers/leveled-picker.js'
import { LogSet } from '../engine/durable/log-set.js'
import { ExpiryClock } from '../engine/expiry-clock.js'
import { retentionOf } from '../engine/durable/retained-logs.js'
import { MemtablePool } from './memtable/memtable-pool.js'
import { checkOptions, LSM_OPTIONS, type LsmOptions } from './options.js'
import type { CustomParts } from './custom/custom-parts.js'
import { recover } from './recovery/recovery.js'
import { Start } from './recovery/start.js'
import { TableSet } from './versions/table-set.js'
import { TieredPicker } from './compaction/pickers/tiered-picker.js'
import { VersionSet } from './versions/version-set.js'

export interface LsmSettings {
  /** Parts to use instead of the built-in ones. */
  readonly parts?: CustomParts
  readonly executor?: ExecutorFactory
  /** Size in bytes beyond which a manifest is begun anew; default 4 MiB. */
  readonly manifestBytes?: number
  /** Logs of this many bytes and more go into memtables once the store is open; default 1 MiB. */
  readonly leastDeferredBytes?: number
}

/** Compared without compression: what is written and read is then what the formulas calculate from the data alone. */
const LSM_VARIANTS: readonly EngineVariant[] = [
  {
    name: 'lsm-leveled',
    options: { compaction: 'leveled', compression: 'none' },
    scaled: ['writeBufferSize', 'maxFileSize', 'level1Size', 'cacheSize'],
  },
  { name: 'lsm-tiered', options: { compaction: 'tiered', compression: 'none' }, scaled: ['writeBufferSize', 'maxFileSize', 'cacheSize'] },
]

/** The `lsm` engine. On Node pass the `workerExecutor`; the default runs background work inline, in slices. */
export function lsmEngine(settings: LsmSettings = {}): EngineFactory {
  return {
    name: 'lsm',
    durable: true,
    options: LSM_OPTIONS,
    files: LSM_FILES,
    expires: true,
    variants: LSM_VARIANTS,
    async open(context) {
      const directory = absolutePath(context.environment.fileSystem, context.directory)
      return open({ ...context, directory }, settings)
    },
    async *salvage(context, lost) {
      const { salvageTree } = await import('./recovery/salvage.js')
      yield* salvageTree(context, lost)
    },
    async openReader(context, version) {
      const { openLsmReader } = await import('./reader/lsm-reader.js')
      return openLsmReader(context, version)
    },
  }
}

const MANIFEST_BYTES = 4 * 1024 * 1024
const LEAST_DEFERRED_BYTES = 1024 * 1024
/** An open with more logs than this waits until they are in a table: sessions that were killed before that have left them. */
const MOST_LOGS = 16

async function open(
  context: EngineContext,
  {
    parts,
    executor: makeExecutor = inlineExecutor,
    manifestBytes = MANIFEST_BYTES,
    leastDeferredBytes = LEAST_DEFERRED_BYTES,
  }: LsmSettings,
): Promise<LsmEngine> {
  const options = context.options as unknown as LsmOptions
  const { environment, directory, created } = context
  const { fileSystem, random, deflate, zstd, scheduler } = environment
  checkOptions(options, environment)
  const hash32 = await loadHash32()
  const executor = parts === undefined ? makeExecutor(environment, hash32) : inlineExecutorWith(parts, environment, hash32)
  const ledger = new Ledger()
  const trace = context.trace?.trace ?? null
  const cache = new Cache(options.cacheSize, { trace })
  const touched = newReadCounts()
  const tables = new TableSet({
    fileSystem,
    directory,
    hash32,
    cache,
    counters: touched,
    deflate,
    zstd,
    filter: parts?.filter,
    blockCodec: parts?.blockCodec,
    maxOpenFiles: options.maxOpenFiles,
    ledger,
    trace,
  })
  const pool = new MemtablePool(options.writeBufferSize, executor.remote, random, parts?.memtableIndex)
  const runner = new JobRunner({ fileSystem, directory, ledger, executor, options })
  let logs: LogSet | undefined
  try {
    const recovered = await recover({
      fileSystem,
      directory,
      hash32,
      ledger,
      pool,
      created,
      leastDeferredBytes,
      scheduler,
      trace,
      readLog: parts?.readLog,
    })
    const { deferred } = recovered
    const versions = new VersionSet({ fileSystem, directory, hash32, ledger, tables, manifestBytes, trace }, recovered)
    const { undurableLogs: numbers, replayed } = recovered
    const register = (log: number, span: Span | null): Promise<void> => versions.apply({ log }, span)
    logs = new LogSet(
      {
        fileSystem,
        directory,
        hash32,
        ledger,
        scheduler,
        retention: retentionOf(fileSystem, directory, options.changesRetainBytes, recovered.firstLog),
        trace: context.trace,
      },
      undefined,
      recovered.logs,
      replayed && { numbers, replayed, register },
    )
    const start = new Start({ fileSystem, directory, ledger, logs, versions, recovered })
    const isClean = !created && recovered.logs.size === 0
    if (deferred === undefined && !isClean && context.inspecting !== true) {
      await start.run().catch((error: unknown) => {
        if (created || !isOutOfSpace(error)) throw error
      })
    }
    const picker = parts?.picker ?? builtInPicker(options)
    const makeMergingCursor = parts?.mergingCursor
    trace?.emit({ type: 'engine.open', engine: 'lsm', entrySequence: versions.sequence, options: { ...options } })
    const engine = new LsmEngine({
      context,
      trace,
      options,
      picker,
      makeMergingCursor,
      hash32,
      ledger,
      expiryClock: new ExpiryClock(environment.clock),
      cache,
      touched,
      tables,
      pool,
      runner,
      logs,
      versions,
      start,
      deferred,
      hasCustomParts: parts !== undefined,
    })
    if (isClean && context.inspecting !== true) engine.startLater()
    if (recovered.logs.size > MOST_LOGS && context.inspecting !== true) await engine.flush().catch(() => undefined)
    return engine
  } catch (error) {
    // Without the marker of a clean close.
    logs?.poison(error)
    await logs?.close()
    await tables.closeAll()
    throw error
  }
}

function builtInPicker({ compaction, level0Tables, level1Size, fanOut, runsPerLevel }: LsmOptions): CompactionPicker {
  return compaction === 'leveled'
    ? new LeveledPicker({ level0Tables, level1Bytes: level1Size, fanOut })
    : new TieredPicker({ runsPerLevel })
}
