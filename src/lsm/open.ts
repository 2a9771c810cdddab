/** Opening an LSM directory: builds the parts, recovers, writes what a start takes. A store that exists opens on a full disk without. */
import { hash32Now, loadHash32 } from '../codec/checksum.js'
import type { EngineContext } from '../engine/contract.js'
import { Ledger, newReadCounts } from '../trace/ledger.js'
import type { Span } from '../trace/span.js'
import { isOutOfSpace } from '../vfs/vfs-error.js'
import type { CompactionPicker } from './compaction/pickers/compaction-picker.js'
import { LsmEngine } from './engine.js'
import { CodeLoader, type GivenTableCode } from './code-loader.js'
import type { JobExecutor } from './compaction/executor.js'
import { JobRunner } from './compaction/job-runner.js'
import { LazyLeveledPicker } from './compaction/pickers/lazy-leveled-picker.js'
import { LeveledPicker } from './compaction/pickers/leveled-picker.js'
import { LogSet } from '../engine/durable/log-set.js'
import type { EntryCache } from '../engine/entry-cache.js'
import { ExpiryClock } from '../engine/expiry-clock.js'
import { retentionOf } from '../engine/durable/retained-logs.js'
import { MemtablePool } from './memtable/memtable-pool.js'
import { checkOptions, type LsmOptions } from './options.js'
import { nothingRecovered } from './recovery/recovered.js'
import { Start } from './recovery/start.js'
import type { LsmSettings } from './settings.js'
import { TableSet } from './versions/table-set.js'
import { TieredPicker } from './compaction/pickers/tiered-picker.js'
import { VersionSet } from './versions/version-set.js'

const MANIFEST_BYTES = 4 * 1024 * 1024
const LEAST_DEFERRED_BYTES = 1024 * 1024
/** An open with more logs than this waits until they are in a table: sessions that were killed before that have left them. */
const MOST_LOGS = 16

export async function openLsm(
  context: EngineContext,
  { parts, executor: makeExecutor, manifestBytes = MANIFEST_BYTES, leastDeferredBytes = LEAST_DEFERRED_BYTES, entryCachePace }: LsmSettings,
  tableCode: GivenTableCode,
): Promise<LsmEngine> {
  const options = context.options as unknown as LsmOptions
  const { environment, directory, created } = context
  const { fileSystem, random, deflate, zstd, scheduler } = environment
  checkOptions(options, environment)
  const loader = new CodeLoader(tableCode)
  const isInline = parts !== undefined || makeExecutor === undefined
  if (!loader.isLoaded && !(created && isInline)) await loader.load()
  const hash32 = created ? hash32Now() : await loadHash32()
  const inline = (): JobExecutor => loader.code.inlineExecutorWith(parts, environment, hash32)
  const executor = !isInline ? makeExecutor(environment, hash32) : loader.isLoaded ? inline() : loadingExecutor(loader, inline)
  const ledger = new Ledger()
  const trace = context.trace?.trace ?? null
  const touched = newReadCounts()
  const tables = new TableSet({
    fileSystem,
    directory,
    hash32,
    loader,
    cacheBytes: options.cacheSize,
    counters: touched,
    deflate,
    zstd,
    filter: parts?.filter,
    blockCodec: parts?.blockCodec,
    maxOpenFiles: options.maxOpenFiles,
    ledger,
    trace,
  })
  const pool = new MemtablePool(options.writeBufferSize, executor.remote, random, parts?.memtableIndex, options.valueThreshold)
  const runner = new JobRunner({ fileSystem, directory, ledger, executor, options })
  let logs: LogSet | undefined
  try {
    const place = { fileSystem, directory, hash32, ledger }
    const recovered = created
      ? nothingRecovered({ ...place, pool, trace })
      : await loader.code.recover({ ...place, pool, leastDeferredBytes, scheduler, trace, readLog: parts?.readLog })
    const { deferred } = recovered
    const versions = new VersionSet({ ...place, tables, manifestBytes, trace }, recovered)
    const { undurableLogs: numbers, replayed } = recovered
    const register = (log: number, span: Span | null): Promise<void> => versions.apply({ log }, span)
    logs = new LogSet(
      {
        ...place,
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
    let entries: EntryCache | undefined
    if (options.entryCache && (trace?.at('io') ?? null) === null) {
      // Its memory is a part of the cache of blocks.
      await loader.load()
      const { EntryCache } = await import('../engine/entry-cache.js')
      entries = EntryCache.of(tables.cache, entryCachePace)
    }
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
      entries,
      touched,
      tables,
      loader,
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

/** Runs jobs inline. The first loads the code for them. */
function loadingExecutor(loader: CodeLoader, inline: () => JobExecutor): JobExecutor {
  let loaded: JobExecutor | undefined
  return {
    remote: false,
    run: async (job, span) => {
      await loader.load()
      loaded ??= inline()
      return loaded.run(job, span)
    },
  }
}

function builtInPicker({ compaction, level0Tables, level1Size, fanOut, runsPerLevel }: LsmOptions): CompactionPicker {
  if (compaction === 'tiered') return new TieredPicker({ runsPerLevel })
  if (compaction === 'lazy-leveled') return new LazyLeveledPicker({ runsPerLevel, fanOut })
  return new LeveledPicker({ level0Tables, level1Bytes: level1Size, fanOut })
}
