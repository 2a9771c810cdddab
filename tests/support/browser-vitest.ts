/** As much of vitest as the tests need that run in a browser: they are collected when their file is imported, and `runTests` runs them. */
import { chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect'

type Body = () => unknown

interface Suite {
  readonly name: string
  readonly before: Body[]
  readonly after: Body[]
}

interface Test {
  readonly name: string
  readonly suites: readonly Suite[]
  readonly body: Body
}

chai.use(JestExtend)
chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)
export const expect = chai.expect

const tests: Test[] = []
let suites: readonly Suite[] = []

export function describe(name: string, body: Body): void {
  const outer = suites
  suites = [...outer, { name, before: [], after: [] }]
  body()
  suites = outer
}

export function it(name: string, body: Body): void {
  tests.push({ name: [...suites.map(suite => suite.name), name].join(' > '), suites, body })
}
it.runIf = (condition: unknown) => (condition ? it : () => {})

export const beforeEach = (body: Body): unknown => suites.at(-1)?.before.push(body)
export const afterEach = (body: Body): unknown => suites.at(-1)?.after.push(body)

/** Runs every `step`-th of the tests that `describe` and `it` have collected, one after another. */
export async function runTests(step: number): Promise<{ readonly passed: number; readonly failures: readonly string[] }> {
  const failures: string[] = []
  const all = tests.splice(0).filter((_test, index) => index % step === 0)
  for (const { name, suites: around, body } of all) {
    try {
      for (const { before } of around) for (const hook of before) await hook()
      try {
        await body()
      } finally {
        for (const { after } of around) for (const hook of after) await hook()
      }
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
  return { passed: all.length - failures.length, failures }
}
