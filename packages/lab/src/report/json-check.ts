/**
 * Checks of JSON against a type: each is a function that returns the value as its type or throws with the path of the wrong field. The
 * checks of an object are a table with a row for every field of its type, which the compiler keeps complete.
 */
import { FormatError } from 'kvarium'
import { nearestName } from 'kvarium/engine'

export type Check<T> = (value: unknown, path: string) => T

interface Optional<T> {
  readonly optional: Check<T>
}

/** A row for each field: a check, or `optional(check)` where the field may be missing. */
export type Fields<T> = {
  readonly [K in keyof T]-?: object extends Pick<T, K> ? Optional<Exclude<T[K], undefined>> : Check<T[K]>
}

/** `path` is the field, such as `engines[0].write.settled.userBytes`. */
export function refuse(path: string, message: string): never {
  throw new FormatError(path === '' ? `This is not a report: ${message}` : `The report's field ${path} ${message}`)
}

export const string: Check<string> = (value, path) => (typeof value === 'string' ? value : refuse(path, `must be text, not ${show(value)}`))

/** Finite. */
export const number: Check<number> = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? value : refuse(path, `must be a number, not ${show(value)}`)

/** Finite and not negative. */
export const amount: Check<number> = (value, path) =>
  number(value, path) >= 0 ? (value as number) : refuse(path, `must not be negative, but is ${show(value)}`)

/** A whole number of at least 0. */
export const count: Check<number> = (value, path) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : refuse(path, `must be a whole number of at least 0, not ${show(value)}`)

export const flag: Check<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : refuse(path, `must be true or false, not ${show(value)}`)

export const scalar: Check<string | number | boolean> = (value, path) =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
    ? value
    : refuse(path, `must be text, a number, true or false, not ${show(value)}`)

export function oneOf<const T extends string>(...choices: readonly T[]): Check<T> {
  return (value, path) =>
    choices.find(choice => choice === value) ?? refuse(path, `must be one of ${choices.join(', ')}, not ${show(value)}`)
}

export function optional<T>(check: Check<T>): Optional<T> {
  return { optional: check }
}

export function orNull<T>(check: Check<T>): Check<T | null> {
  return (value, path) => (value === null ? null : check(value, path))
}

export function arrayOf<T>(check: Check<T>, least = 0): Check<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) return refuse(path, `must be a list, not ${show(value)}`)
    if (value.length < least) return refuse(path, `must have at least ${least} ${least === 1 ? 'item' : 'items'}, not ${value.length}`)
    return value.map((item: unknown, index) => check(item, `${path}[${index}]`))
  }
}

export function pairOf<A, B>(first: Check<A>, second: Check<B>): Check<readonly [A, B]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length !== 2) return refuse(path, `must be a list of two, not ${show(value)}`)
    return [first(value[0], `${path}[0]`), second(value[1], `${path}[1]`)]
  }
}

export function recordOf<T>(check: Check<T>): Check<Readonly<Record<string, T>>> {
  return (value, path) =>
    Object.fromEntries(Object.entries(objectAt(value, path)).map(([name, item]) => [name, check(item, at(path, name))]))
}

/** An object with these fields and no others. */
export function object<T extends object>(fields: Fields<T>): Check<T> {
  const rows = Object.entries<Check<unknown> | Optional<unknown>>(fields)
  const names = rows.map(([name]) => name)
  return (value, path) => {
    const source = objectAt(value, path)
    for (const name of Object.keys(source)) {
      if (names.includes(name)) continue
      const nearest = nearestName(name, names)
      refuse(at(path, name), `is not known${nearest === undefined ? '' : `: is ${nearest} meant?`}`)
    }
    const result: Record<string, unknown> = {}
    for (const [name, row] of rows) {
      const field = Object.hasOwn(source, name) ? source[name] : undefined
      const place = at(path, name)
      if (typeof row === 'function') result[name] = field === undefined ? refuse(place, 'is missing') : row(field, place)
      else if (field !== undefined) result[name] = row.optional(field, place)
    }
    return result as T
  }
}

export function objectAt(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(path, `must be an object, not ${show(value)}`)
  return value as Readonly<Record<string, unknown>>
}

function at(path: string, name: string): string {
  const step = /^\w+$/.test(name) ? name : JSON.stringify(name)
  return path === '' ? step : `${path}.${step}`
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
