/** keyv over `kvarium/keyv`: its own suite, times to live, and namespaces in one store. */
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite'
import { Keyv } from 'keyv'
import { KeyvKvarium } from 'kvarium/keyv'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as vitest from 'vitest'
import { ENGINES, levelOf, useDirectory } from './support/client-place.js'

const { afterAll, afterEach, beforeEach, describe, expect, it, vi } = vitest

describe.each(ENGINES)("keyv's own suite on %s", engine => {
  // The suite makes a store for each of its instances, which share their entries as those of a server do.
  const Level = levelOf(engine)
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-keyv-'))
  const db = new Level(directory)
  const store = (): KeyvKvarium => new KeyvKvarium({ db })
  afterAll(async () => {
    await db.close()
    rmSync(directory, { recursive: true, force: true })
  })
  keyvTestSuite(vitest, Keyv, store)
  keyvIteratorTests(vitest, Keyv, store)
})

describe.each(ENGINES)('keyv on %s', engine => {
  const place = useDirectory()
  const Level = levelOf(engine)
  const NOON = Date.UTC(2020, 0, 1, 12)

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOON })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('finds every value after a reopening, and what has expired meanwhile no more', async () => {
    const first = new Keyv({ store: new KeyvKvarium({ location: place('cache'), engine }), namespace: 'a' })
    for (let i = 0; i < 500; i++) await first.set(`k${i}`, { i, text: 'ä'.repeat(i) }, i % 2 === 0 ? 1000 : undefined)
    await first.disconnect()
    vi.setSystemTime(NOON + 2000)
    const second = new Keyv({ store: new KeyvKvarium({ location: place('cache'), engine }), namespace: 'a' })
    for (let i = 0; i < 500; i++) {
      expect(await second.get(`k${i}`)).toEqual(i % 2 === 0 ? undefined : { i, text: 'ä'.repeat(i) })
    }
    expect(await second.has('k0')).toBe(false)
    expect(await second.has('k1')).toBe(true)
    await second.disconnect()
  })

  it('clearing one namespace leaves those whose names begin alike', async () => {
    const level = new Level(place('cache'))
    const namespaces = ['a', 'aa', 'a:b', 'b'].map(namespace => new Keyv({ store: new KeyvKvarium({ db: level }), namespace }))
    for (const keyv of namespaces) for (let i = 0; i < 50; i++) await keyv.set(`k${i}`, `${keyv.namespace} ${i}`)
    const second = namespaces[1]
    await second.clear()
    expect(await second.get('k1')).toBeUndefined()
    for (const keyv of namespaces) if (keyv !== second) expect(await keyv.get('k49')).toBe(`${keyv.namespace} 49`)
    expect(await level.keys().all()).toHaveLength(150)
    await level.close()
  })

  it('many at once are read, written and deleted in the order in which they were asked for', async () => {
    const keyv = new Keyv<number>({ store: new KeyvKvarium({ location: place('cache'), engine }) })
    await keyv.setMany(Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value: i })))
    expect(await keyv.get(['k7', 'absent', 'k5', 'k7'])).toEqual([7, undefined, 5, 7])
    expect(await keyv.delete(['k7', 'k5'])).toBe(true)
    expect(await keyv.get(['k7', 'k6', 'k5'])).toEqual([undefined, 6, undefined])
    expect(await keyv.delete('k7')).toBe(false)
    await Promise.all(Array.from({ length: 100 }, (_, i) => keyv.set('same', i)))
    expect(await keyv.get('same')).toBe(99)
    await keyv.disconnect()
  })

  it('the entry of a store that knows expiry expires by itself', async () => {
    vi.useRealTimers()
    const level = new Level(place('cache'))
    const keyv = new Keyv({ store: new KeyvKvarium({ db: level }) })
    await keyv.set('short', 1, 60_000)
    await keyv.set('long', 1)
    const knows = level.supports.additionalMethods['expiresAt']
    const due = await level.expiresAt('keyv:short').catch(() => undefined)
    expect(due === undefined).toBe(!knows)
    if (due !== undefined) expect(due - Date.now()).toBeGreaterThan(50_000)
    expect(await level.expiresAt('keyv:long').catch(() => undefined)).toBeUndefined()
    await level.close()
  })
})
