/** As much of tape as abstract-level's test suite uses, for a browser: tests are collected, and `runTests` runs them. */
import { equals } from '@vitest/expect'

type Body = (t: SmallTest) => unknown

interface Outcome {
  passed: number
  readonly failures: string[]
}

const LONGEST = 20_000
const tests: { readonly name: string; readonly body: Body }[] = []

export function test(name: string, body: Body): void {
  tests.push({ name, body })
}

export async function runTests(): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failures: [] }
  for (const { name, body } of tests) await run(name, body, outcome)
  return outcome
}

async function run(name: string, body: Body, outcome: Outcome): Promise<void> {
  const t = new SmallTest(name, outcome)
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => (timer = setTimeout(() => reject(new Error('it takes too long')), LONGEST)))
  try {
    const result = body(t)
    await Promise.race([result instanceof Promise ? result.then(() => t.whenPlanned()) : t.whenEnded(), late])
  } catch (error) {
    outcome.failures.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`)
  }
  clearTimeout(timer)
  for (const inner of t.inner) await run(`${name} > ${inner.name}`, inner.body, outcome)
}

class SmallTest {
  readonly inner: { readonly name: string; readonly body: Body }[] = []
  readonly #name: string
  readonly #outcome: Outcome
  #planned: number | undefined
  #asserted = 0
  #isEnded = false
  #wake: () => void = () => {}

  constructor(name: string, outcome: Outcome) {
    this.#name = name
    this.#outcome = outcome
  }

  async whenPlanned(): Promise<void> {
    while (this.#planned !== undefined && this.#asserted < this.#planned) await new Promise<void>(resolve => (this.#wake = resolve))
  }

  async whenEnded(): Promise<void> {
    while (!this.#isEnded && (this.#planned === undefined || this.#asserted < this.#planned)) {
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  test(name: string, body: Body): void {
    this.inner.push({ name, body })
  }

  plan(count: number): void {
    this.#planned = count
  }

  end(): void {
    this.#isEnded = true
    this.#wake()
  }

  pass(): void {
    this.#assert(true, '')
  }

  fail(what?: unknown): void {
    this.#assert(false, String(what))
  }

  ok(value: unknown, what = 'ok'): void {
    this.#assert(Boolean(value), what)
  }

  is(actual: unknown, wanted: unknown, what = 'is'): void {
    this.#assert(Object.is(actual, wanted), `${what}: ${String(actual)} is not ${String(wanted)}`)
  }

  isNot(actual: unknown, unwanted: unknown, what = 'is not'): void {
    this.#assert(!Object.is(actual, unwanted), what)
  }

  same(actual: unknown, wanted: unknown, what = 'same'): void {
    this.#assert(equals(actual, wanted), `${what}: ${JSON.stringify(actual)} is not ${JSON.stringify(wanted)}`)
  }

  throws(action: () => void, check: (error: unknown) => boolean): void {
    try {
      action()
    } catch (error) {
      this.#assert(check(error), `threw ${String(error)}`)
      return
    }
    this.#assert(false, 'did not throw')
  }

  doesNotThrow(action: () => void): void {
    action()
    this.pass()
  }

  #assert(holds: boolean, what: string): void {
    if (holds) this.#outcome.passed++
    else this.#outcome.failures.push(`${this.#name}: ${what} ${new Error().stack ?? ''}`)
    this.#asserted++
    this.#wake()
  }
}
