import { nearestName } from 'kvarium/engine'
import { UsageError } from '../usage-error.js'

/** The key if the user names no fields: the first of these that the first record has. */
const USUAL_FIELDS = ['key', 'id', '_id', 'uuid']

type Fields = Readonly<Record<string, unknown>>

/** Makes keys from records: the chosen fields, joined by slashes. */
export class RecordKeys {
  readonly #place: string
  readonly #firstField: boolean
  #fields: readonly string[] | undefined
  #records = 0

  /**
   * @param place - The file of the records, for errors.
   * @param fields - The user's choice.
   * @param firstField - Without a usual field, take the first one instead of the record's number.
   */
  constructor(place: string, fields: readonly string[] | undefined, firstField: boolean) {
    this.#place = place
    this.#fields = fields
    this.#firstField = firstField
  }

  /** Describes how keys are made. */
  get description(): string {
    return this.#fields === undefined || this.#fields.length === 0 ? 'record number' : this.#fields.join('/')
  }

  keyOf(record: unknown, line: number): string {
    this.#records++
    const fields = (this.#fields ??= this.#choose(record))
    if (fields.length === 0) return String(this.#records).padStart(10, '0')
    if (!isFields(record)) throw this.#error(line, `the record is not an object, so it has no field "${fields[0]}"`)
    return fields.map(field => this.#textOf(record, field, line)).join('/')
  }

  #choose(record: unknown): readonly string[] {
    if (!isFields(record)) return []
    const usual = USUAL_FIELDS.find(field => isScalar(record[field]))
    if (usual !== undefined) return [usual]
    return this.#firstField ? Object.keys(record).slice(0, 1) : []
  }

  #textOf(record: Fields, field: string, line: number): string {
    if (!Object.hasOwn(record, field)) {
      const nearest = nearestName(field, Object.keys(record))
      const hint = nearest === undefined ? `Its fields are ${Object.keys(record).join(', ')}.` : `Did you mean "${nearest}"?`
      throw this.#error(line, `the record has no field "${field}" for the key. ${hint} Choose with --key`)
    }
    const value = record[field]
    if (isScalar(value)) return String(value)
    throw this.#error(line, `the field "${field}" cannot be part of a key: it must be text or a number, not ${JSON.stringify(value)}`)
  }

  #error(line: number, message: string): UsageError {
    return new UsageError(`${this.#place} line ${line}: ${message}`)
  }
}

function isFields(record: unknown): record is Fields {
  return typeof record === 'object' && record !== null && !Array.isArray(record)
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
