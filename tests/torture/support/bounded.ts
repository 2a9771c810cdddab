/** More turns of the event loop than any step of a small store takes. */
const MOST_TURNS = 20_000

export class Hang extends Error {
  readonly code = 'LEVEL_INTERNAL'
}

/** What the promise settles to, or a `Hang` if it does not within that many turns of the event loop. */
export async function bounded<Result>(promise: Promise<Result>, what: string): Promise<Result> {
  let isSettled = false
  const settled = promise.finally(() => {
    isSettled = true
  })
  // Most settle without a turn.
  settled.catch(() => undefined)
  for (let i = 0; i < 8 && !isSettled; i++) await Promise.resolve()
  for (let turn = 0; !isSettled; turn++) {
    if (turn > MOST_TURNS) throw new Hang(`${what} does not end: nothing came of it in ${MOST_TURNS} turns`)
    await new Promise(resolve => setImmediate(resolve))
  }
  return settled
}
