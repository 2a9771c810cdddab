/**
 * How much of its work a test does. `npm test` runs a slice of what takes long; `KVARIUM_THOROUGH=1 npm test` runs all of it, and
 * `npm run torture` and `soak.ts` go on for as long as they are given. `npm run test:stories` does all stories of users: pages in a browser, and packages as npm
 * installs them. `npm test` does a few.
 */
const isThorough = process.env['KVARIUM_THOROUGH'] === '1'

/** `daily` in `npm test`, `all` in a thorough run. */
export function slice<T>(daily: T, all: T): T {
  return isThorough ? all : daily
}

/** Whether all stories are to be done, and not only those of the day. */
export const isEveryStory = isThorough || process.env['KVARIUM_STORIES'] === '1'

/** The first case of a story, or all of them where all stories are done. */
export function storyCases<T>(cases: readonly T[]): readonly T[] {
  return isEveryStory ? cases : cases.slice(0, 1)
}
