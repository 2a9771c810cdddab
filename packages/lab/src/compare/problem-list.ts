import type { Problem } from './results.js'

const KEPT = 20

/** The first problems of an engine, and their total number. */
export class ProblemList {
  readonly #kept: Problem[] = []
  #count = 0

  add(kind: Problem['kind'], message: string): void {
    this.#count++
    if (this.#kept.length < KEPT) this.#kept.push({ kind, message })
  }

  get count(): number {
    return this.#count
  }

  get kept(): readonly Problem[] {
    return this.#kept
  }
}

/** A key for a message: as text if it is printable, otherwise in hexadecimal. */
export function showKey(key: Uint8Array): string {
  const text = new TextDecoder().decode(key)
  return /^[^\p{C}\u{fffd}]*$/u.test(text) ? JSON.stringify(text) : `0x${Buffer.from(key).toString('hex')}`
}

/** Why an answer is wrong, or `undefined` if it is right. */
export function wrongValue(key: Uint8Array, answer: Uint8Array | undefined, expected: Uint8Array | undefined): string | undefined {
  if (answer === undefined && expected === undefined) return undefined
  if (answer === undefined) return `${showKey(key)} is missing; it was written with ${expected!.length} bytes`
  if (expected === undefined) return `${showKey(key)} has a value of ${answer.length} bytes; it must not be there`
  if (Buffer.compare(answer, expected) === 0) return undefined
  const at = answer.findIndex((byte, index) => byte !== expected[index])
  const where = at === -1 ? 'it is cut short' : `it differs from byte ${at}`
  return `${showKey(key)} has a value of ${answer.length} bytes that is not the one of ${expected.length} bytes that was written last: ${where}`
}
