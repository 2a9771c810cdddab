/** Commands of the stepper from a pipe, one per line. Each is printed when it is read, so that the output reads as a session. */
import { createInterface } from 'node:readline'
import type { CommandSource } from './step-session.js'

export function commandLines(input: NodeJS.ReadableStream, print: (text: string) => void): CommandSource {
  const reader = createInterface({ input, crlfDelay: Infinity })
  const lines = reader[Symbol.asyncIterator]()
  return {
    isAnswering: false,
    async command() {
      const line = await lines.next()
      if (line.done === true) return undefined
      print(`\nstep> ${line.value}`)
      return line.value
    },
    answer: async () => undefined,
    close: () => reader.close(),
  }
}
