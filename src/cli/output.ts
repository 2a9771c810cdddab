import { once } from 'node:events'

/** Standard output for many lines: waits for a slow reader, and ends the command quietly when the reader has gone. */
export class Output {
  readonly #stream: NodeJS.WriteStream
  #text = ''

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream
    stream.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit(process.exitCode ?? 0)
    })
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
