/** Conditions of a batch: what keys have to hold at the moment in which it takes effect. */
import { quotedText } from '../codec/shown-text.js'
import { readUtf8 } from '../codec/text.js'
import { ConflictError, MisuseError } from '../errors.js'
import type { EncodingLevel } from './level-types.js'
import { toBytes } from './owned-bytes.js'
import type { StoreReads } from './reads.js'

/** As the store gets it, before anything is checked. */
export type GivenCondition = Readonly<Record<string, unknown>> & { readonly sublevel?: EncodingLevel | undefined }

export interface StoredCondition {
  readonly key: Uint8Array
  /** `undefined`: the key has to be absent. */
  readonly value: Uint8Array | undefined
}

/** Encodes conditions. Throws a MisuseError (`LEVEL_INVALID_CONDITION`) where they are no conditions. */
export function storedConditions(given: unknown, defaults: object, db: EncodingLevel): StoredCondition[] {
  if (!Array.isArray(given)) throw invalid('Option "conditions" must be an array')
  return (given as GivenCondition[]).map(condition => encoded({ ...defaults, ...condition }, db))
}

/** The function that is returned throws a ConflictError (`LEVEL_CONDITION_FAILED`) that names the key of a condition that does not hold. */
export function checkOf(conditions: readonly StoredCondition[], reads: StoreReads): () => void {
  return () => {
    for (const { key, value } of conditions) {
      if (reads.holds(key, value)) continue
      const shown = readUtf8(key, 0, key.length)
      const wanted = value === undefined ? 'is not absent' : 'does not have the value'
      throw new ConflictError('LEVEL_CONDITION_FAILED', `A condition failed: the key ${quotedText(shown)} ${wanted}`, shown)
    }
  }
}

/** The conditions of a batch on a sublevel, for its parent. */
export function conditionsIn(sublevel: object, conditions: unknown): unknown {
  if (!Array.isArray(conditions)) return conditions
  return (conditions as GivenCondition[]).map(condition =>
    (condition.sublevel ?? undefined) === undefined ? { ...condition, sublevel } : condition,
  )
}

function encoded(condition: GivenCondition, db: EncodingLevel): StoredCondition {
  const level = condition.sublevel ?? db
  if (level !== db && level.db !== db) throw invalid('The sublevel of a condition is not a sublevel of this store')
  const { key, value, absent } = condition
  if ((absent === true) === (value !== undefined && value !== null)) {
    throw invalid('A condition has either "absent: true" or a "value"')
  }
  level._assertValidKey(key)
  const keyEncoding = level.keyEncoding(condition['keyEncoding'])
  const prefixed = Uint8Array.from(toBytes(level.prefixKey(keyEncoding.encode(key), keyEncoding.format, false)))
  if (absent === true) return { key: prefixed, value: undefined }
  return { key: prefixed, value: Uint8Array.from(toBytes(level.valueEncoding(condition['valueEncoding']).encode(value))) }
}

function invalid(message: string): MisuseError {
  return new MisuseError('LEVEL_INVALID_CONDITION', message)
}
