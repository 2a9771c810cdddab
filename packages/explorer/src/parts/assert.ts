/** What unit checks of exercises use of `node:assert/strict`, in a page. */

class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

const assert = {
  ok(value: unknown, message = 'The check needs a value that is true'): void {
    if (!value) throw new AssertionError(message)
  },

  equal(actual: unknown, expected: unknown, message = `Expected ${text(expected)}, not ${text(actual)}`): void {
    if (!Object.is(actual, expected)) throw new AssertionError(message)
  },

  notEqual(actual: unknown, unexpected: unknown, message = `Expected something else than ${text(unexpected)}`): void {
    if (Object.is(actual, unexpected)) throw new AssertionError(message)
  },

  deepEqual(actual: unknown, expected: unknown, message = `Expected ${text(expected)}, not ${text(actual)}`): void {
    if (text(actual) !== text(expected)) throw new AssertionError(message)
  },
}

export { assert as default }

/** Plain data as text, which is equal where the data are. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (inner === undefined) return 'undefined (no value)'
    return inner instanceof Uint8Array ? Array.from(inner) : inner
  })
}
