import { writeSync } from 'node:fs'

/** Lines on the standard output of a child process. Their bytes are counted, because the process's written bytes include them. */
export class HarnessOutput {
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  line(value: unknown): void {
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`)
    for (let at = 0; at < bytes.length;) at += writeWhenReady(bytes, at)
    this.#bytes += bytes.length
  }
}

/** Writes when the pipe is ready: a full pipe fails instead of waiting. */
function writeWhenReady(bytes: Uint8Array, at: number): number {
  for (;;) {
    try {
      return writeSync(1, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}
