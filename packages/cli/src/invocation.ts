/** One run of the command: what it gets, and where its output goes. `main.ts` gives the process's own streams, a test gives buffers. */
export interface Invocation {
  /** The words after the command's name. */
  readonly parameters: readonly string[]
  readonly stdin: AsyncIterable<Uint8Array>
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  /** The run goes on; its last call wins. Without a call the exit code is 0. */
  readonly setExitCode: (code: number) => void
}

export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean }
