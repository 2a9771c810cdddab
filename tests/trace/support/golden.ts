/**
 * Golden files: what a script makes a store do, as a text that a person can read and a test compares. File calls stand between the events
 * that explain them, so the order of writes, syncs, renames and removals is under test. To add one, write
 *
 *     golden('lsm-put', { options: ENGINES.lsm }, async stage => { ... })
 *
 * and run the test once with KVARIUM_UPDATE_GOLDEN=1; do the same after a change that is meant to be, and look at the difference.
 *
 * A line is an event: whose it is (o3 is operation 3, j2 is job 2, which o3>j2 sets off), its type, its fields. Sequence numbers and
 * times are left out.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Kvarium, KvariumOptions } from '../../../src/index.js'
import type { TraceEvent, TraceLevel } from '../../../src/trace/events.js'
import { textOfBytes } from '../../../src/codec/shown-text.js'
import { MemoryFileSystem } from '../../../src/vfs/index.js'
import { openTraced, simulated } from './traced-runs.js'

const DIRECTORY = join(import.meta.dirname, '../golden')
const UPDATES = process.env['KVARIUM_UPDATE_GOLDEN'] === '1'

/** The seed of a power loss that keeps a part of the last record. */
export const TEARS = 3

/** Keys `from` to `to`, in one batch. */
export function fill(db: Kvarium, from: number, to: number, valueBytes = 40): Promise<void> {
  const value = '.'.repeat(valueBytes)
  return db.batch(Array.from({ length: to - from + 1 }, (_, i) => ({ type: 'put', key: `key ${from + i}`, value })))
}

export interface GoldenOptions {
  readonly options: KvariumOptions<string, string>
  /** @defaultValue `'io'` */
  readonly level?: TraceLevel
}

export class Stage {
  readonly #golden: GoldenOptions
  readonly #lines: string[] = []
  #fileSystem = new MemoryFileSystem()
  #events: TraceEvent[] = []

  constructor(golden: GoldenOptions) {
    this.#golden = golden
  }

  /** The events so far, under the titles. */
  get text(): string {
    this.#flush()
    return `${this.#lines.join('\n')}\n`
  }

  /** Begins a part of the story. */
  title(text: string): void {
    this.#flush()
    if (this.#lines.length > 0) this.#lines.push('')
    this.#lines.push(`== ${text}`)
  }

  /** Opens the store as the stage left it. */
  async open(): Promise<Kvarium> {
    this.#flush()
    const { options, level = 'io' } = this.#golden
    const { db, events } = await openTraced({ environment: simulated(1, this.#fileSystem), options, level })
    this.#events = events
    return db
  }

  /** The process dies: what was written stays. */
  killProcess(): void {
    this.#fileSystem = this.#fileSystem.processCrashClone()
  }

  /** Power is lost: only what was synced stays, or with a seed also some of what was not. */
  losePower(survivors: number | 'none' = 'none'): void {
    this.#fileSystem = this.#fileSystem.crashClone(survivors)
  }

  #flush(): void {
    this.#lines.push(...this.#events.splice(0).map(lineOf))
  }
}

/** A test that the script still does exactly what the golden file of that name says. */
export function golden(name: string, options: GoldenOptions, script: (stage: Stage) => Promise<void>): void {
  it(`${name} does what its golden file says, call by call`, async () => {
    const stage = new Stage(options)
    await script(stage)
    const path = join(DIRECTORY, `${name}.txt`)
    if (UPDATES) writeFileSync(path, stage.text)
    if (!existsSync(path)) throw new Error(`${path} is missing: run this test with KVARIUM_UPDATE_GOLDEN=1 and look at what it writes`)
    expect(stage.text, 'if the change is meant to be, run with KVARIUM_UPDATE_GOLDEN=1').toBe(readFileSync(path, 'utf8'))
  })
}

function lineOf(event: TraceEvent): string {
  const { sequence: _sequence, atMs: _atMs, type, operation, job, ...fields } = event
  const owner = [operation > 0 ? `o${operation}` : '', job > 0 ? `j${job}` : ''].filter(name => name !== '').join('>')
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${valueOf(value)}`)
  return `${owner.padEnd(7)} ${type.padEnd(16)} ${shown.join(' ')}`.trimEnd()
}

function valueOf(value: unknown): string {
  if (value instanceof Uint8Array) {
    const text = textOfBytes(value)
    return text === undefined ? `0x${Buffer.from(value).toString('hex')}` : JSON.stringify(text)
  }
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000)
  if (typeof value === 'string') return /[\s"]/.test(value) ? JSON.stringify(value) : value
  if (Array.isArray(value)) return `[${value.map(valueOf).join(' ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const entries = Object.entries(value).map(([name, field]) => `${name}=${valueOf(field)}`)
  return `{${entries.join(' ')}}`
}
