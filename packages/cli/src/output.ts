import { once } from 'node:events'
import type { OutputStream } from './invocation.js'

/** Ends the command quietly when the reader of the stream is closed, as in `kvarium scan | head`. */
export function endWithReader(stream: NodeJS.WritableStream): void {
  stream.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
}

/** A stream for many lines: waits for a slow reader. */
export class Output {
  readonly #stream: OutputStream
  #text = ''

  constructor(stream: OutputStream) {
    this.#stream = stream
  }

  async write(text: string): Promise<void> {
    this.#text += text
    if (this.#text.length >= CHUNK_CHARACTERS) await this.flush()
  }

  async line(text = ''): Promise<void> {
    await this.write(`${text}\n`)
  }

  async bytes(bytes: Uint8Array): Promise<void> {
    await this.flush()
    if (!this.#stream.write(bytes)) await once(this.#stream, 'drain')
  }

  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    if (text !== '' && !this.#stream.write(text)) await once(this.#stream, 'drain')
  }
}

const CHUNK_CHARACTERS = 64 * 1024
