/** Opening a directory of the hash engine: recovers what is there, builds the parts, and writes what a start takes. */
import { Cache } from '../cache/cache.js'
import { loadHash32 } from '../codec/checksum.js'
import type { EngineContext } from '../engine/contract.js'
import { LogSet } from '../engine/durable/log-set.js'
import { retentionOf } from '../engine/durable/retained-logs.js'
import { ExpiryClock } from '../engine/expiry-clock.js'
import { Ledger } from '../trace/ledger.js'
import { joinPath } from '../vfs/file-system.js'
import { MeteredFileSystem } from '../vfs/metered-file-system.js'
import { isOutOfSpace } from '../vfs/vfs-error.js'
import { DataFiles } from './data-file.js'
import { HashEngine } from './engine.js'
import { DirectoryTrace } from './directory-trace.js'
import { Entries } from './entries.js'
import { FileNumbers, numberIn } from './file-names.js'
import { HashStart } from './hash-start.js'
import type { HashOptions } from './options.js'
import { recover } from './recovery.js'

/** @param context Its directory is absolute. */
export async function openHash(context: EngineContext, poisonFrames = false): Promise<HashEngine> {
  const options = context.options as unknown as HashOptions
  const { environment, directory, created, trace } = context
  const { fileSystem, scheduler } = environment
  const hash32 = await loadHash32()
  const ledger = new Ledger()
  const cache = new Cache(options.cacheSize, { trace: trace ?? null })
  const files = new DataFiles({ fileSystem, directory, hash32, cache, poison: poisonFrames })
  const entries = new Entries(files, hash32)
  const meter = new MeteredFileSystem(fileSystem)
  let logs: LogSet | undefined
  try {
    const replayed = created ? undefined : await recover({ context, fileSystem: meter, hash32, entries })
    ledger.read.open += meter.counts().total.bytesRead
    // The order that range deletions needed is made anew by the first cursor.
    entries.dropOrder()
    for (const file of files.list) ledger.resize(file.isLog ? 0 : file.fileBytes + file.hintBytes)
    const firstLog = (files.list.findLast(file => !file.isLog)?.to ?? 0) + 1
    const recovered = new Map(files.list.filter(file => file.isLog).map(({ number }) => [number, replayed!.keptBytes.get(number)!]))
    const retention = retentionOf(fileSystem, directory, options.changesRetainBytes, created ? 0 : firstLog)
    logs = new LogSet({ fileSystem, directory, hash32, ledger, scheduler, retention, compact: true, trace }, undefined, recovered)
    const set = logs
    files.onLogRead = (number, end) => set.makeReadable(number, end)
    const last = created ? 0 : Math.max(0, ...fileSystem.list(directory).map(name => numberIn(name) ?? 0))
    const numbers = new FileNumbers(last + 1)
    const traced = new DirectoryTrace(entries, files, trace?.trace)
    const start = new HashStart({ context, ledger, files, numbers, logs, replayed, traced, nextSequence: () => entries.sequence + 1 })
    const newest = files.list.at(-1)
    const isClean = !created && recovered.size === 0 && newest !== undefined
    // A clean start writes nothing before it is over: what could not be written is refused now.
    if (isClean && context.inspecting !== true) fileSystem.openWrite(joinPath(directory, newest.name)).close()
    if (!isClean && context.inspecting !== true) {
      await start.run().catch((error: unknown) => {
        if (created || !isOutOfSpace(error)) throw error
      })
    }
    trace?.emit({ type: 'engine.open', engine: 'hash', entrySequence: entries.sequence, options: { ...options } })
    const expiryClock = new ExpiryClock(environment.clock)
    const engine = new HashEngine({ context, options, traced, hash32, ledger, cache, files, entries, logs, start, numbers, expiryClock })
    if (isClean && context.inspecting !== true) engine.startLater()
    return engine
  } catch (error) {
    // Without the marker of a clean close.
    logs?.poison(error)
    try {
      await logs?.close()
    } finally {
      files.closeAll()
    }
    throw error
  }
}
