/** A thread that does with readers what it is asked to, one command after another. */
import { parentPort } from 'node:worker_threads'
import { openReader, type Reader, type ReaderHandle } from '../../../src/reader/index.js'

export type Command =
  | { readonly do: 'open'; readonly handle: ReaderHandle; readonly cacheSize?: number }
  | { readonly do: 'get'; readonly keys: readonly string[] }
  | { readonly do: 'all' | 'refresh' | 'close' | 'stats' | 'leave' }
  /** Reads every value again and again, until `stop` is 1, and counts those that are not `value`. */
  | { readonly do: 'read until'; readonly stop: Int32Array; readonly value: string }

export interface Answer {
  readonly result?: unknown
  readonly error?: {
    readonly name: string
    readonly message: string
    readonly code: string | undefined
    readonly file: string | undefined
    readonly offset: number | undefined
  }
}

let reader: Reader | undefined

async function run(command: Command): Promise<unknown> {
  if (command.do === 'open') {
    reader = await openReader(command.handle, { cacheSize: command.cacheSize })
    return undefined
  }
  if (command.do === 'leave') return parentPort?.close()
  if (reader === undefined) throw new Error('no reader is open')
  switch (command.do) {
    case 'get':
      return command.keys.map(key => reader!.getSync(key))
    case 'all':
      return reader.iterator().all()
    case 'refresh':
      return reader.refresh()
    case 'close':
      return reader.close()
    case 'stats':
      return reader.stats()
    case 'read until': {
      const counts = { rounds: 0, wrong: 0 }
      do {
        for (const value of await reader.values().all()) if (value !== command.value) counts.wrong++
        counts.rounds++
      } while (Atomics.load(command.stop, 0) === 0)
      return counts
    }
  }
}

parentPort?.on('message', (command: Command) => {
  void run(command).then(
    result => parentPort?.postMessage({ result } satisfies Answer),
    (error: unknown) => {
      const { name, code, message, file, offset } = error as NonNullable<Answer['error']>
      parentPort?.postMessage({ error: { name, message, code, file, offset } } satisfies Answer)
    },
  )
})
