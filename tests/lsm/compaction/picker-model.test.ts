import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../../src/codec/entry.js'
import { olderThanOutput, type Compaction } from '../../../src/lsm/compaction/compaction.js'
import type { CompactionPicker } from '../../../src/lsm/compaction/pickers/compaction-picker.js'
import { LazyLeveledPicker } from '../../../src/lsm/compaction/pickers/lazy-leveled-picker.js'
import { LeveledPicker } from '../../../src/lsm/compaction/pickers/leveled-picker.js'
import { unionBounds, type TableMeta } from '../../../src/lsm/versions/table-file.js'
import { TieredPicker } from '../../../src/lsm/compaction/pickers/tiered-picker.js'
import { Version } from '../../../src/lsm/versions/version.js'
import { keyOf, textOf } from '../../contract/support/opened-engine.js'

/** A version of a key, or a range tombstone over the keys from `key` to `last`. */
interface Entry {
  readonly key: number
  readonly sequence: number
  readonly kind: 'put' | 'delete' | 'clear'
  readonly last?: number
}

const KEYS = 40
const name = (key: number): string => String.fromCharCode(0x30 + key)
const ENTRY_BYTES = 10

/**
 * A tree without files: tables are lists of entries. Merges follow the rules of the merge job in their plainest form, so
 * what this tests is whether the pickers merge the right things in the right order.
 */
class FilelessTree {
  version = new Version()
  readonly tables = new Map<number, readonly Entry[]>()
  snapshots: number[] = []
  sequence = 0
  merges = 0
  #nextFile = 1
  /** Newest state, and those of the snapshots. */
  readonly #oracle = new Map<number, number>()
  readonly #seen = new Map<number, ReadonlyMap<number, number>>()

  flush(operations: readonly { readonly kind: Entry['kind']; readonly key: number; readonly span: number }[]): void {
    const entries = new Map<string, Entry>()
    for (const { kind, key, span } of operations) {
      const sequence = ++this.sequence
      const last = Math.min(KEYS - 1, key + span)
      if (kind === 'put') this.#oracle.set(key, sequence)
      else if (kind === 'delete') this.#oracle.delete(key)
      else for (let cleared = key; cleared <= last; cleared++) this.#oracle.delete(cleared)
      entries.set(`${sequence}`, { key, sequence, kind, ...(kind === 'clear' && { last }) })
    }
    const number = this.#nextFile++
    this.version = this.version.apply({ deleted: [], added: [this.#table(number, [...entries.values()], 0, number)] })
  }

  snapshot(): void {
    this.snapshots.push(this.sequence)
    this.#seen.set(this.sequence, new Map(this.#oracle))
  }

  /** Picks and merges until the picker picks nothing; the number of merges must be bounded by the tree's own size. */
  settle(picker: CompactionPicker): void {
    const bound = 20 + [...this.version.files()].length * 8
    for (let merges = 0; ; merges++) {
      const ranges = [...this.version.files()].flatMap(file => this.#clears(file.meta.number))
      const spec = picker.pick(this.version, { oldestSnapshot: this.snapshots[0] ?? Infinity, rangeTombstones: ranges })
      if (spec === undefined) return
      if (merges > bound) throw new Error(`No end after ${merges} merges: ${spec.reason} at level ${spec.outputLevel}`)
      this.run(spec)
      this.verify()
    }
  }

  run(spec: Compaction): void {
    this.merges++
    const inputs = spec.inputs.flat()
    const deleted = inputs.map(({ number }) => number)
    const added = spec.drop ? [] : spec.move ? this.#moved(inputs, spec) : this.#merge(spec)
    this.version = this.version.apply({ deleted, added })
  }

  verify(): void {
    for (const level of this.version.levels) {
      for (const run of level) {
        for (let i = 1; i < run.tables.length; i++) {
          expect(compareKeys(run.tables[i - 1].meta.largest, run.tables[i].meta.smallest)).toBeLessThan(0)
        }
      }
    }
    expect(this.#view(Infinity)).toEqual(this.#oracle)
    for (const snapshot of this.snapshots) expect(this.#view(snapshot)).toEqual(this.#seen.get(snapshot))
  }

  get runs(): number {
    return this.version.levels.reduce((sum, level) => sum + level.length, 0)
  }

  /** As a get reads: the first visible version from the newest run down wins, unless any newer tombstone covers it. */
  #view(snapshot: number): Map<number, number> {
    const clears = [...this.version.files()]
      .flatMap(file => this.tables.get(file.meta.number)!)
      .filter(({ kind, sequence }) => kind === 'clear' && sequence <= snapshot)
    const view = new Map<number, number>()
    const decided = new Set<number>()
    for (const level of this.version.levels) {
      for (const run of level) {
        const visible = run.tables.flatMap(file =>
          this.tables.get(file.meta.number)!.filter(({ kind, sequence }) => kind !== 'clear' && sequence <= snapshot),
        )
        for (const entry of visible.sort((a, b) => b.sequence - a.sequence)) {
          if (decided.has(entry.key)) continue
          decided.add(entry.key)
          const covered = clears.some(({ key, last, sequence }) => key <= entry.key && entry.key <= last! && sequence > entry.sequence)
          if (entry.kind === 'put' && !covered) view.set(entry.key, entry.sequence)
        }
      }
    }
    return view
  }

  #moved(inputs: readonly TableMeta[], { outputLevel: level, outputRun }: Compaction): TableMeta[] {
    const run = outputRun === 'new' ? this.#nextFile++ : outputRun
    return inputs.map(meta => ({ ...meta, level, run }))
  }

  #merge(spec: Compaction): TableMeta[] {
    const older = olderThanOutput(this.version, spec)
    const all = spec.inputs.flat().flatMap(({ number }) => this.tables.get(number)!)
    const oldest = this.snapshots[0] ?? Infinity
    const moments = [...this.snapshots, Infinity]
    const hasOlder = (from: number, to: number): boolean =>
      older.some(({ smallest, largest }) => compareKeys(smallest, keyOf(name(to))) <= 0 && compareKeys(largest, keyOf(name(from))) >= 0)
    const kept = all.filter(entry => {
      if (entry.kind === 'clear') return entry.sequence > oldest || hasOlder(entry.key, entry.last!)
      const newer = all.filter(
        other =>
          other.sequence > entry.sequence &&
          (other.kind === 'clear' ? other.key <= entry.key && entry.key <= other.last! : other.key === entry.key),
      )
      const isSeen = moments.some(moment => moment >= entry.sequence && newer.every(other => other.sequence > moment))
      if (!isSeen) return false
      return entry.kind === 'put' || entry.sequence > oldest || hasOlder(entry.key, entry.key)
    })
    return this.#split(kept, spec)
  }

  /** Tables of at most a few keys, range tombstones cut where tables are. */
  #split(entries: readonly Entry[], spec: Compaction): TableMeta[] {
    const keys = [...new Set(entries.filter(({ kind }) => kind !== 'clear').map(({ key }) => key))].sort((a, b) => a - b)
    const cuts = keys.filter((_, index) => index % 4 === 3 && index < keys.length - 1)
    const first = this.#nextFile
    const tables: TableMeta[] = []
    let from = 0
    for (const to of [...cuts, KEYS - 1]) {
      const within = entries.flatMap(entry => {
        if (entry.kind !== 'clear') return entry.key >= from && entry.key <= to ? [entry] : []
        const [start, end] = [Math.max(entry.key, from), Math.min(entry.last!, to)]
        return start <= end ? [{ ...entry, key: start, last: end }] : []
      })
      if (within.length > 0)
        tables.push(this.#table(this.#nextFile++, within, spec.outputLevel, spec.outputRun === 'new' ? first : spec.outputRun))
      from = to + 1
    }
    return tables
  }

  #table(number: number, entries: readonly Entry[], level: number, run: number): TableMeta {
    this.tables.set(number, entries)
    const bounds = unionBounds(entries.map(({ key, last }) => ({ smallest: keyOf(name(key)), largest: keyOf(name(last ?? key)) })))
    const sequences = entries.map(({ sequence }) => sequence)
    const count = (kind: Entry['kind']): number => entries.filter(entry => entry.kind === kind).length
    return {
      ...bounds,
      number,
      level,
      run,
      fileBytes: entries.length * ENTRY_BYTES,
      rawBytes: entries.length * ENTRY_BYTES,
      entries: entries.length - count('clear'),
      tombstones: count('delete'),
      rangeTombstones: count('clear'),
      minSequence: Math.min(...sequences),
      maxSequence: Math.max(...sequences),
    }
  }

  #clears(number: number): { first: Uint8Array; last: Uint8Array; sequence: number }[] {
    const clears = this.tables.get(number)!.filter(({ kind }) => kind === 'clear')
    return clears.map(({ key, last, sequence }) => ({ first: keyOf(name(key)), last: keyOf(name(last!)), sequence }))
  }
}

const leveled = new LeveledPicker({ level0Tables: 2, level1Bytes: 6 * ENTRY_BYTES, fanOut: 2 })
const tiered = new TieredPicker({ runsPerLevel: 2 })
const lazy = new LazyLeveledPicker({ runsPerLevel: 2, fanOut: 3 })

/** The last level is one run, and no level above has as many as start a merge. */
function expectLazyLeveled({ version }: FilelessTree): void {
  const runs = version.levels.map(level => level.length)
  expect(runs.slice(1).at(-1) ?? 0).toBeLessThanOrEqual(1)
  expect(Math.max(0, ...runs)).toBeLessThan(2)
}

const operation = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'delete', 'delete', 'clear'),
  key: fc.nat(KEYS - 1),
  span: fc.nat(KEYS),
}) as fc.Arbitrary<{ kind: Entry['kind']; key: number; span: number }>

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('flush' as const), operations: fc.array(operation, { minLength: 1, maxLength: 12 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('snapshot' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('switch' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('range' as const), from: fc.nat(KEYS - 1), span: fc.nat(KEYS) }) },
)

describe.each([
  ['leveled', [leveled, tiered]],
  ['tiered', [tiered, leveled]],
  ['lazily leveled', [lazy, tiered]],
  ['leveled, then lazily leveled', [leveled, lazy]],
] as const)('compacting a %s tree until it is in shape', (_name, pickers) => {
  it('ends, keeps runs disjoint, loses nothing and brings nothing back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: '+2' }), steps => {
        const tree = new FilelessTree()
        let picker: CompactionPicker = pickers[0]
        for (const each of steps) {
          if (each.do === 'flush') tree.flush(each.operations)
          else if (each.do === 'snapshot') tree.snapshot()
          else if (each.do === 'release') tree.snapshots.splice(each.which % (tree.snapshots.length + 1), 1)
          else if (each.do === 'switch') picker = picker === pickers[0] ? pickers[1] : pickers[0]
          else {
            const spec = picker.pickRange(tree.version, {
              smallest: keyOf(name(each.from)),
              largest: keyOf(name(Math.min(KEYS - 1, each.from + each.span))),
            })
            if (spec !== undefined) tree.run(spec)
          }
          tree.verify()
          tree.settle(picker)
          if (picker === lazy) expectLazyLeveled(tree)
        }
      }),
    )
  })

  it('leaves no tombstone where nothing is left to delete, once everything is compacted', () => {
    fc.assert(
      fc.property(fc.array(fc.array(operation, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 15 }), flushes => {
        const tree = new FilelessTree()
        for (const operations of flushes) {
          tree.flush(operations)
          tree.settle(pickers[0])
        }
        const everything = { smallest: keyOf(name(0)), largest: keyOf(name(KEYS - 1)) }
        const spec = pickers[0].pickRange(tree.version, everything)
        if (spec !== undefined) tree.run(spec)
        tree.settle(pickers[0])
        tree.verify()
        const metas = [...tree.version.files()].map(file => file.meta)
        expect(
          metas.filter(({ tombstones, rangeTombstones }) => tombstones + rangeTombstones > 0).map(({ smallest }) => textOf(smallest)),
        ).toEqual([])
      }),
    )
  })
})
