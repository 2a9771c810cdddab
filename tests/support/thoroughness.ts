/**
 * How much of its work a test does. `npm test` runs a slice of what takes long; `KVARIUM_THOROUGH=1 npm test` runs all of it, and
 * `npm run torture` and `soak.ts` go on for as long as they are given.
 */
const isThorough = process.env['KVARIUM_THOROUGH'] === '1'

/** `daily` in `npm test`, `all` in a thorough run. */
export function slice<T>(daily: T, all: T): T {
  return isThorough ? all : daily
}
