import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { UsageError } from '../usage-error.js'

/** Where records come from: a file, or standard input. */
export interface RecordInput {
  /** For errors. */
  readonly name: string
  /** @throws UsageError when it cannot be read. */
  open(): Promise<OpenInput>
}

export interface OpenInput extends AsyncDisposable {
  readonly stream: Readable
  /** In bytes; `undefined` if that is not known. */
  readonly size: number | undefined
}

export function fileInput(file: string): RecordInput {
  return { name: file, open: () => openFile(file) }
}

export function streamInput(name: string, chunks: AsyncIterable<Uint8Array>): RecordInput {
  return {
    name,
    open: () => {
      const stream = Readable.from(chunks, { objectMode: false })
      return Promise.resolve({ stream, size: undefined, [Symbol.asyncDispose]: () => Promise.resolve(void stream.destroy()) })
    },
  }
}

/** An input that passes on how many bytes of it have been read. */
export function watchedInput(input: RecordInput, onBytes: (bytes: number, size: number | undefined) => void): RecordInput {
  return {
    name: input.name,
    open: async () => {
      const opened = await input.open()
      let bytes = 0
      const count = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of opened.stream as AsyncIterable<Uint8Array>) {
          bytes += chunk.length
          onBytes(bytes, opened.size)
          yield chunk
        }
      }
      const stream = Readable.from(count(), { objectMode: false })
      return {
        stream,
        size: opened.size,
        [Symbol.asyncDispose]: async () => {
          stream.destroy()
          await opened[Symbol.asyncDispose]()
        },
      }
    },
  }
}

async function openFile(file: string): Promise<OpenInput> {
  try {
    const handle = await open(file)
    const { size, isFile } = await handle.stat().then(stat => ({ size: stat.size, isFile: stat.isFile() }))
    if (isFile) {
      const stream = handle.createReadStream({ autoClose: false })
      return {
        stream,
        size,
        [Symbol.asyncDispose]: async () => {
          stream.destroy()
          await handle.close()
        },
      }
    }
    await handle.close()
  } catch (error) {
    throw new UsageError(`The dataset cannot be read: ${(error as Error).message}`)
  }
  throw new UsageError(`The dataset cannot be read: ${file} is not a file`)
}
