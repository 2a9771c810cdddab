/** A real store in memory that performs operations deterministically for a seed. */
import { Kvarium, Trace, type EngineFactory, type TraceEvent } from 'kvarium'
import { loadHash32 } from 'kvarium/sstable'
import { joinPath, MemoryFileSystem, simulatedEnvironment } from 'kvarium/vfs'
import { FRAME_HEADER_BYTES, LogReader, type LogRecord } from 'kvarium/wal'
import { bound, type Operation } from './operation.js'

export interface DrivenStoreSettings {
  readonly factory: EngineFactory
  readonly options: Readonly<Record<string, unknown>>
  readonly seed: number
  readonly listener?: (event: TraceEvent) => void
}

/** The result of an operation: the value of a get, the entries of a scan, nothing for the others. */
export type Outcome = string | undefined | readonly (readonly [key: string, value: string])[]

type Store = Kvarium<string, string>

type Tear = Extract<Operation, { do: 'tear' }>

const DIRECTORY = '/store'

export class DrivenStore {
  readonly #settings: DrivenStoreSettings
  #fileSystem = new MemoryFileSystem()
  #store: Store
  #snapshot: ReturnType<Store['snapshot']> | undefined
  /** Whether events of the present store are recorded: those of a killed process are not. */
  #session = { isAlive: true }

  private constructor(settings: DrivenStoreSettings) {
    this.#settings = settings
    this.#store = this.#make()
  }

  static async open(settings: DrivenStoreSettings): Promise<DrivenStore> {
    const driven = new DrivenStore(settings)
    await driven.#store.open()
    return driven
  }

  async do(operation: Operation): Promise<Outcome> {
    if (operation.do === 'get') return this.#store.getSync(operation.key, this.#at(operation.at))
    if (operation.do === 'scan') {
      const { from, reverse = false, at } = operation
      return this.#store.iterator({ [bound(operation)]: from, reverse, ...this.#at(at) }).all()
    }
    await this.#change(operation)
    return undefined
  }

  /** Every broken invariant that the engine finds in itself. */
  async violations(): Promise<string[]> {
    const found: string[] = []
    for await (const { path, message } of this.#store.check()) found.push(`${path}: ${message}`)
    return found
  }

  async close(): Promise<void> {
    await this.#release()
    await this.#store.close()
  }

  async #change(operation: Exclude<Operation, { do: 'get' | 'scan' }>): Promise<void> {
    const store = this.#store
    switch (operation.do) {
      case 'put':
        return store.put(operation.key, operation.value, { sync: operation.sync === true })
      case 'del':
        return store.del(operation.key)
      case 'clear':
        return store.clear({ gte: operation.from, lt: operation.to })
      case 'snapshot':
        await this.#release()
        this.#snapshot = store.snapshot()
        return
      case 'flush':
        return store.flush()
      case 'compact':
        return store.compactRange()
      case 'reopen':
        await this.close()
        return this.#open()
      case 'kill':
        return this.#crash()
      case 'tear':
        return this.#crash(operation)
    }
  }

  #make(): Store {
    const { factory, options, seed, listener } = this.#settings
    const session = { isAlive: true }
    this.#session = session
    const trace =
      listener &&
      new Trace({
        level: 'step',
        listener: event => {
          if (session.isAlive) listener(event)
        },
      })
    const environment = simulatedEnvironment({ seed, fileSystem: this.#fileSystem })
    return new Kvarium(DIRECTORY, { ...options, engine: factory, environment, ...(trace && { trace }) })
  }

  async #open(): Promise<void> {
    this.#store = this.#make()
    await this.#store.open()
  }

  #at(which: 'snapshot' | undefined): { snapshot?: ReturnType<Store['snapshot']> } {
    return which === undefined || this.#snapshot === undefined ? {} : { snapshot: this.#snapshot }
  }

  async #release(): Promise<void> {
    await this.#snapshot?.close()
    this.#snapshot = undefined
  }

  /** Continues with the files of the killed process, with its last log record torn if requested. */
  async #crash(tear?: Tear): Promise<void> {
    const left = this.#fileSystem.processCrashClone()
    if (tear !== undefined) await tearLastRecord(left, tear)
    this.#session.isAlive = false
    await this.close()
    this.#fileSystem = left
    return this.#open()
  }
}

async function tearLastRecord(fileSystem: MemoryFileSystem, { left, then }: Tear): Promise<void> {
  const name = fileSystem
    .list(DIRECTORY)
    .filter(file => file.endsWith('.log'))
    .at(-1)
  if (name === undefined) return
  const path = joinPath(DIRECTORY, name)
  let last: LogRecord | undefined
  for (const record of new LogReader({ fileSystem, path, logNumber: parseInt(name), hash32: await loadHash32() }).records()) last = record
  if (last === undefined) return
  const file = fileSystem.openWrite(path)
  const record = new Uint8Array(FRAME_HEADER_BYTES + last.length)
  file.read(record, last.offset)
  // At least one byte is lost: zeros in place of zeros would leave the record whole.
  const kept = Math.min(left, then === 'zeros' ? record.findLastIndex(byte => byte !== 0) : record.length - 1)
  if (then === 'zeros') file.write(new Uint8Array(record.length - kept), last.offset + kept)
  else file.truncate(last.offset + kept)
  file.close()
}
