/** More turns of the event loop than any step of a small store takes. */
const MOST_TURNS = 20_000
/** The first use of a part of the store loads its module, which takes time instead of turns. */
const LEAST_MS = 3000

export class Hang extends Error {
  readonly code = 'LEVEL_INTERNAL'
}

/** What the promise settles to, or a `Hang` if it does not within that many turns of the event loop and that time. */
export async function bounded<Result>(promise: Promise<Result>, what: string): Promise<Result> {
  let isSettled = false
  const settled = promise.finally(() => {
    isSettled = true
  })
  // Most settle without a turn.
  settled.catch(() => undefined)
  for (let i = 0; i < 8 && !isSettled; i++) await Promise.resolve()
  const begin = performance.now()
  for (let turn = 0; !isSettled; turn++) {
    if (turn > MOST_TURNS && performance.now() - begin > LEAST_MS)
      throw new Hang(`${what} does not end: nothing came of it in ${MOST_TURNS} turns`)
    await new Promise(resolve => setImmediate(resolve))
  }
  return settled
}
