import { writeSync } from 'node:fs'

/** Lines on the standard output of a child process. They are counted, because they are among the bytes that the process writes. */
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

/** A pipe that is full says so instead of waiting. */
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
