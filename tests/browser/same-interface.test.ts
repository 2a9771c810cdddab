/** A page's store has every public member of `Kvarium`, and `kvarium/browser` a function for each static one. */
import { describe, expect, it } from 'vitest'
import * as browser from '../../src/browser/index.js'
import { openInWorker, type WorkerStore } from '../../src/browser/index.js'
import { Kvarium } from '../../src/index.browser.js'
import { KvariumStore } from '../../src/store/kvarium.js'
import { served } from './support/served-worker.js'

/** Supported in name only, and why. docs/browser.md has the same list. */
const UNSUPPORTED = { getSync: 'a page cannot wait for a worker in the middle of its code' }

/** The functions of `kvarium/browser` that do what a static method does. */
const STATICS: Readonly<Record<string, keyof typeof browser>> = { destroy: 'destroyInWorker', repair: 'repairInWorker' }

type Missing = Exclude<keyof Kvarium, keyof WorkerStore | `_${string}`>
/** Fails to compile where a member is missing. */
const missing: Record<Missing, never> = {}

/** The names of the methods and properties that are public, those of abstract-level and of Object apart. */
function publicMembers(object: object): string[] {
  const names = new Set<string>()
  for (let at = object; Object.getPrototypeOf(at) !== null; at = Object.getPrototypeOf(at) as object)
    for (const name of Object.getOwnPropertyNames(at)) if (!name.startsWith('_') && name !== 'constructor') names.add(name)
  return [...names].sort()
}

describe('the store of a page', () => {
  const here = new Kvarium('here')
  const page = openInWorker(served().worker, 'there')

  it.each([
    ['the store', here, page],
    ['its sublevels', here.sublevel('a'), page.sublevel('a')],
    ['what it says that it supports', here.supports.additionalMethods, page.supports.additionalMethods],
  ])('has the members of Kvarium: %s', (_what, ofKvarium, ofPage) => {
    const members = publicMembers(ofPage)
    expect(publicMembers(ofKvarium).filter(name => !members.includes(name))).toEqual(Object.keys(missing))
  })

  it('has the members of a snapshot and of a transaction', async () => {
    await Promise.all([here.open(), page.open()])
    expect(publicMembers(page.snapshot())).toEqual(publicMembers(here.snapshot()))
    const members = (store: Pick<Kvarium, 'transaction'>): Promise<string[]> => store.transaction(tx => publicMembers(tx))
    expect(await members(page as unknown as Kvarium)).toEqual(await members(here))
    await Promise.all([here.close(), page.close()])
  })

  it('has a function for each static method', () => {
    const ofClass = (one: object): string[] =>
      Object.getOwnPropertyNames(one).filter(name => !['length', 'name', 'prototype'].includes(name))
    const all = new Set<string>()
    for (let at: object = Kvarium; at !== Function.prototype; at = Object.getPrototypeOf(at) as object)
      ofClass(at).forEach(name => all.add(name))
    const own = [...all].filter(name => !(name in Object.getPrototypeOf(KvariumStore)))
    expect(own.filter(name => typeof browser[STATICS[name]] !== 'function')).toEqual([])
  })

  it('says what it does not support', () => {
    for (const name of Object.keys(UNSUPPORTED)) expect(page.supports).toMatchObject({ [name]: false })
  })
})
