/** Checks what a user gave as options against the table of what there is, so that no option is ever silently ignored. */
import { MisuseError } from '../errors.js'
import type { OptionSpec, OptionTable } from './contract.js'
import { nearestName } from './nearest-name.js'

export type Options = Readonly<Record<string, unknown>>

/**
 * Every option of the table: as given, or its default. Objects that were not given are left out. Names that are not in
 * the table are not looked at. Throws a MisuseError `LEVEL_INVALID_OPTION` that says what is allowed.
 */
export function resolveOptions(table: OptionTable, given: Options): Record<string, unknown> {
  const resolved: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(table)) {
    const value = given[name]
    if (value !== undefined) {
      assertAllowed(name, spec, value)
      resolved[name] = spec.type === 'choice' && typeof value === 'boolean' ? spec.booleans![value ? 1 : 0] : value
    } else if (spec.type !== 'object') {
      resolved[name] = spec.default
    }
  }
  return resolved
}

/** The given names that are in none of the tables. Options that are `undefined` count as not given. */
export function unknownOptions(tables: readonly OptionTable[], given: Options): string[] {
  return Object.keys(given).filter(name => given[name] !== undefined && !tables.some(table => Object.hasOwn(table, name)))
}

/** The option that the user may have meant by an unknown name. */
export function nearestOption(tables: readonly OptionTable[], name: string): string | undefined {
  return nearestName(
    name,
    tables.flatMap(table => Object.keys(table)),
  )
}

/** Throws the MisuseError of the first table that has the option, unless one of them accepts the value. */
export function checkIgnoredOption(tables: readonly OptionTable[], name: string, value: unknown): void {
  let refusal: Error | undefined
  for (const table of tables) {
    if (!Object.hasOwn(table, name)) continue
    try {
      return assertAllowed(name, table[name], value)
    } catch (error) {
      refusal ??= error as Error
    }
  }
  if (refusal !== undefined) throw refusal
}

/**
 * A MisuseError for an option that no engine knows.
 *
 * @param ignored Tables of options that are accepted as well: one of them may be meant, but they are not listed.
 */
export function unknownOption(tables: readonly OptionTable[], name: string, ignored: readonly OptionTable[] = []): MisuseError {
  const nearest = nearestOption([...tables, ...ignored], name)
  const known = tables.flatMap(table => Object.keys(table)).sort()
  const hint = nearest === undefined ? `Known options: ${known.join(', ')}` : `Did you mean "${nearest}"?`
  return new MisuseError('LEVEL_INVALID_OPTION', `There is no option "${name}". ${hint}`)
}

function assertAllowed(name: string, spec: OptionSpec, value: unknown): void {
  switch (spec.type) {
    case 'integer': {
      if (spec.auto === true && value === 'auto') return
      const unit = spec.unit === undefined ? '' : ` ${spec.unit}`
      if (!Number.isInteger(value) || (value as number) < spec.min || (value as number) > spec.max) {
        throw notAllowed(
          name,
          value,
          `an integer from ${spec.min} to ${spec.max}${unit}${spec.auto === true ? ' or "auto"' : ''} (default ${spec.default})`,
        )
      }
      return
    }
    case 'boolean':
      if (typeof value !== 'boolean') throw notAllowed(name, value, `true or false (default ${spec.default})`)
      return
    case 'choice':
      if (typeof value === 'boolean' && spec.booleans !== undefined) return
      if (spec.byLevel === true && typeof value === 'object' && value !== null) {
        for (const [level, choice] of Object.entries(value)) {
          if (!/^(level\d+|rest)$/.test(level)) {
            throw new MisuseError('LEVEL_INVALID_OPTION', `Option "${name}" has "${level}"; its keys are level0, level1, … and rest`)
          }
          assertAllowed(`${name}.${level}`, { type: 'choice', default: spec.default, choices: spec.choices, about: spec.about }, choice)
        }
        return
      }
      if (!spec.choices.includes(value as string)) {
        const nearest = typeof value === 'string' ? nearestName(value, spec.choices) : undefined
        const hint = nearest === undefined ? '' : `. Did you mean "${nearest}"?`
        throw notAllowed(name, value, `one of ${spec.choices.map(choice => `"${choice}"`).join(', ')} (default "${spec.default}")${hint}`)
      }
      return
    case 'object':
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null) throw notAllowed(name, value, 'an object')
  }
}

function notAllowed(name: string, value: unknown, allowed: string): MisuseError {
  return new MisuseError('LEVEL_INVALID_OPTION', `Option "${name}" is ${show(value)}, but must be ${allowed}`)
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
