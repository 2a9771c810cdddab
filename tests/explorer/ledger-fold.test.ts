/** Hazards: a ledger that differs from that of the engine; samples that depend on the way to a position, or grow with the run. */
import { describe, expect, it } from 'vitest'
import { Kvarium } from 'kvarium'
import { LedgerFold, MOST_SAMPLES } from '../../packages/explorer/src/views/ledger-fold.js'
import { Trace, type TraceEvent } from '../../src/trace/index.js'
import { simulatedEnvironment } from '../../src/vfs/index.js'
import { SETTINGS } from './support/settings.js'

const EVERY = 150

describe.each(SETTINGS.lanes)('the ledger of $engine', ({ engine, options }) => {
  it('adds up to that of the engine, at every moment between operations', async () => {
    const fold = new LedgerFold()
    const events: TraceEvent[] = []
    const trace = new Trace({
      level: 'step',
      listener: event => {
        events.push(event)
        fold.apply(event)
      },
    })
    const environment = simulatedEnvironment({ seed: 1 })
    const store = new Kvarium<string, string>('/store', { ...options, engine, environment, trace } as never)
    let state = 7
    const next = (below: number): number => (state = (state * 48271) % 2147483647) % below
    for (let count = 1; count <= 900; count++) {
      const key = `key${next(300)}`
      if (next(4) === 0) await store.del(key)
      else if (next(3) === 0) await store.get(key)
      else await store.put(key, 'v'.repeat(next(200)))
      if (count % EVERY !== 0) continue
      // The engine counts the writes of a compaction when it has ended.
      await store.settle()
      const { ledger } = store.stats()
      const { now, read } = fold.picture()
      expect(now.written).toEqual(ledger.written)
      expect(read).toEqual(ledger.read)
      expect(now).toMatchObject({ userBytes: ledger.userBytes, fileBytes: ledger.fileBytes, liveBytes: ledger.liveBytes })
      expect(now.gets).toBe(ledger.found.operations + ledger.missing.operations)
      const sum = (of: 'blocksFromCache' | 'blocksFromDisk'): number => ledger.found[of] + ledger.missing[of]
      expect(now.blocks).toBe(sum('blocksFromCache') + sum('blocksFromDisk'))
      expect(now.blocksFromDisk).toBe(sum('blocksFromDisk'))
    }
    await store.close()
    const { now, samples, read } = fold.picture()
    expect(samples.length).toBeLessThanOrEqual(MOST_SAMPLES)
    expect(samples.length).toBeGreaterThan(MOST_SAMPLES / 2)
    const total = (type: 'file.write' | 'file.read'): number =>
      events.reduce((sum, event) => sum + (event.type === type ? (event as { readonly length: number }).length : 0), 0)
    const values = (parts: Readonly<Record<string, number>>): number => Object.values(parts).reduce((sum, value) => sum + value, 0)
    expect([values(now.written), values(read)]).toEqual([total('file.write'), total('file.read')])
    checkClones(events)

    // A page that begins with the files of a store has seen none of them being made.
    const later = new LedgerFold()
    const again = new Kvarium<string, string>('/store', {
      ...options,
      engine,
      environment,
      trace: new Trace({ level: 'step', listener: event => later.apply(event) }),
    } as never)
    await again.open()
    const { fileBytes } = later.picture().now
    const { ledger } = again.stats()
    expect(fileBytes).toBeLessThanOrEqual(ledger.fileBytes)
    expect(fileBytes).toBeGreaterThan(ledger.fileBytes * 0.9)
    await again.close()
  })
})

/** A fold that was cloned on its way has the same picture as one from the beginning. */
function checkClones(events: readonly TraceEvent[]): void {
  const whole = new LedgerFold()
  let fold = new LedgerFold()
  for (const [index, event] of events.entries()) {
    const before = index % 501 === 0 ? { fold, picture: fold.picture() } : undefined
    if (before !== undefined) fold = fold.clone()
    fold.apply(event)
    whole.apply(event)
    if (before !== undefined) expect(before.fold.picture()).toEqual(before.picture)
  }
  expect(fold.picture()).toEqual(whole.picture())
}
