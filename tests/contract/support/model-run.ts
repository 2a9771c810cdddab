/** One history on an engine and on the oracle, compared at every step. */
import fc from 'fast-check'
import { ByteView } from '../../../src/codec/entry.js'
import type { Cursor, EngineSnapshot } from '../../../src/engine/contract.js'
import { histories, operationsOf, type Change, type History, type Step } from './history.js'
import { OpenedEngine, keyOf, textOf, type ContractSubject, type TextRange } from './opened-engine.js'
import { Oracle, describeEntry, type CursorMove, type Entry, type Moment, type OracleCursor } from './oracle.js'

/** @param steps most steps of one history */
export function modelProperty(subject: ContractSubject, steps: number): fc.IAsyncProperty<[History]> {
  return fc.asyncProperty(histories(steps), async history => {
    const run = new ModelRun(await OpenedEngine.open(subject, history.seed), subject.factory.durable)
    try {
      for (const [number, step] of history.steps.entries()) await run.take(step, number)
      await run.finish()
    } finally {
      await run.dispose()
    }
  })
}

class ModelRun {
  readonly #store: OpenedEngine
  readonly #durable: boolean
  readonly #oracle = new Oracle()
  #snapshots: { readonly snapshot: EngineSnapshot; readonly moment: Moment }[] = []
  #cursors: { readonly cursor: Cursor; readonly expected: OracleCursor }[] = []
  #background: Promise<void>[] = []

  constructor(store: OpenedEngine, durable: boolean) {
    this.#store = store
    this.#durable = durable
  }

  async take(step: Step, number: number): Promise<void> {
    const { engine } = this.#store
    switch (step.kind) {
      case 'write':
        return this.#write(step.operations, number, step.sync)
      case 'unawaited':
        return this.#writeUnawaited(step.batches, step.cleared, number)
      case 'clear':
        this.#oracle.clear(step.range)
        return this.#store.clear(step.range)
      case 'get':
        return this.#get(step.key, step.which)
      case 'scan':
        return this.#scan(step.range, step.which)
      case 'snapshot':
        this.#snapshots.push({ snapshot: engine.snapshot(), moment: this.#oracle.moment() })
        return
      case 'release':
        return takeOut(this.#snapshots, step.which)?.snapshot.release()
      case 'open cursor': {
        const { snapshot, moment } = this.#momentAt(step.which)
        this.#cursors.push({ cursor: this.#store.cursor(step.range, snapshot), expected: moment.cursor(step.range) })
        return
      }
      case 'move cursor': {
        const open = this.#cursors[step.which % Math.max(1, this.#cursors.length)]
        if (open !== undefined) for (const move of step.moves) moveBoth(open.cursor, open.expected, move)
        return
      }
      case 'close cursor':
        return takeOut(this.#cursors, step.which)?.cursor.close()
      case 'flush':
        return engine.flush()
      case 'compact':
        return this.#store.compact(step.range)
      case 'settle':
        return engine.settle()
      case 'check':
        return this.#check()
      case 'reopen':
        return this.#reopen()
      case 'in the background':
        this.#background.push(engine[step.job]())
        return
    }
  }

  /** Walks every open cursor to its ends, and reads the contents in every way. */
  async finish(): Promise<void> {
    for (const { cursor, expected } of this.#cursors) {
      walk(cursor, expected, 'first', 'next')
      walk(cursor, expected, 'last', 'prev')
    }
    for (let which = 0; which <= this.#snapshots.length; which++) this.#scan({}, which)
    await Promise.all(this.#background)
    await this.#store.engine.settle()
    await this.#check()
    await this.#reopen()
    this.#scan({}, 0)
    for (const { key } of this.#oracle.moment().entries) this.#get(key, 0)
    await this.#check()
  }

  async dispose(): Promise<void> {
    this.#release()
    await Promise.allSettled(this.#background)
    await this.#store.dispose()
  }

  async #write(changes: readonly Change[], number: number, sync: boolean): Promise<void> {
    const operations = operationsOf(changes, number * 8)
    this.#expect(operations)
    await this.#store.batch(operations, sync)
  }

  async #writeUnawaited(batches: readonly (readonly Change[])[], cleared: TextRange | undefined, number: number): Promise<void> {
    const work: Promise<void>[] = []
    for (const [i, changes] of batches.entries()) {
      work.push(this.#write(changes, number + i / 8, i % 3 === 1))
      if (i !== 2 || cleared === undefined) continue
      this.#oracle.clear(cleared)
      work.push(this.#store.clear(cleared))
    }
    await Promise.all(work)
  }

  #expect(operations: ReturnType<typeof operationsOf>): void {
    for (const [kind, key, value] of operations) {
      if (kind === 'del') this.#oracle.del(key)
      else this.#oracle.put(key, value as Uint8Array)
    }
  }

  #get(key: string, which: number): void {
    const { snapshot, moment } = this.#momentAt(which)
    const value = this.#store.engine.get(keyOf(key), snapshot)
    const actual = value === undefined ? undefined : { key, value }
    const many: (typeof actual)[] = []
    const expectedValue = moment.get(key)
    const expected = expectedValue === undefined ? undefined : { key, value: expectedValue }
    demand(`get(${JSON.stringify(key)})`, actual, expected)
    const view = new ByteView()
    this.#store.engine.getViews?.(
      [key, `${key}\0`, key].map(keyOf),
      3,
      view,
      found => {
        many.push(found ? { key, value: view.copy() } : undefined)
        return false
      },
      snapshot,
    )
    if (many.length > 0) {
      demand(`the first of many gets of ${JSON.stringify(key)}`, many[0], expected)
      demand(`the last of many gets of ${JSON.stringify(key)}`, many[2], expected)
    }
  }

  #scan(range: TextRange, which: number): void {
    const { snapshot, moment } = this.#momentAt(which)
    const cursor = this.#store.cursor(range, snapshot)
    walk(cursor, moment.cursor(range), 'first', 'next')
    walk(cursor, moment.cursor(range), 'last', 'prev')
    cursor.close()
  }

  async #check(): Promise<void> {
    const violations = await this.#store.violations()
    if (violations.length > 0) throw new Error(`check() found ${JSON.stringify(violations)}`)
  }

  async #reopen(): Promise<void> {
    if (!this.#durable) return
    this.#release()
    // Calls under way when the engine closes may fail, but must settle.
    const ended = Promise.allSettled(this.#background)
    this.#background = []
    await this.#store.reopen()
    await ended
  }

  #release(): void {
    for (const { cursor } of this.#cursors) cursor.close()
    for (const { snapshot } of this.#snapshots) snapshot.release()
    this.#cursors = []
    this.#snapshots = []
  }

  /** One of the open snapshots, or the present. */
  #momentAt(which: number): { readonly snapshot: EngineSnapshot | undefined; readonly moment: Moment } {
    return this.#snapshots[(which % (this.#snapshots.length + 1)) - 1] ?? { snapshot: undefined, moment: this.#oracle.moment() }
  }
}

function moveBoth(cursor: Cursor, expected: OracleCursor, move: CursorMove): void {
  if (move[0] === 'next' || move[0] === 'prev') {
    if (expected.current === undefined) return
    demandMoved(cursor, cursor[move[0]](), move, expected.move(move))
  } else if (move[0] === 'seek' || move[0] === 'seekReverse') {
    demandMoved(cursor, cursor[move[0]](keyOf(move[1])), move, expected.move(move))
  } else {
    demandMoved(cursor, cursor[move[0]](), move, expected.move(move))
  }
}

function walk(cursor: Cursor, expected: OracleCursor, start: 'first' | 'last', step: 'next' | 'prev'): void {
  moveBoth(cursor, expected, [start])
  while (expected.current !== undefined) moveBoth(cursor, expected, [step])
}

function demandMoved(cursor: Cursor, returned: boolean, move: CursorMove, expected: Entry | undefined): void {
  if (returned !== cursor.valid) throw new Error(`${move[0]} returned ${returned}, but valid is ${cursor.valid}`)
  const actual = cursor.valid ? { key: textOf(cursor.key.copy()), value: cursor.value.copy() } : undefined
  demand(`cursor ${move.map(part => JSON.stringify(part)).join(' ')}`, actual, expected)
}

function demand(what: string, actual: Entry | undefined, expected: Entry | undefined): void {
  if (actual?.key === expected?.key && sameBytes(actual?.value, expected?.value)) return
  throw new Error(`${what}: the engine shows ${describeEntry(actual)}, expected ${describeEntry(expected)}`)
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function takeOut<T>(from: T[], which: number): T | undefined {
  return from.splice(which % Math.max(1, from.length), 1)[0]
}
