import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareKeys } from '../../src/codec/entry.js'
import type { LiveVersion } from '../../src/btree/pages/live-versions.js'
import { BareTree } from './support/bare-tree.js'

/** A sorted list of pairs: the plainest tree there is. */
type Model = readonly (readonly [key: Uint8Array, value: Uint8Array])[]

const key = fc.oneof(
  { weight: 6, arbitrary: fc.nat(400).map(number => bytesOf(`key:${String(number).padStart(6, '0')}`)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 3 }) },
  { weight: 1, arbitrary: fc.nat(5).map(number => bytesOf('long '.repeat(50 + number * 30))) },
)
const value = fc
  .oneof(
    { weight: 8, arbitrary: fc.nat(40) },
    { weight: 2, arbitrary: fc.integer({ min: 100, max: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 400, max: 3000 }) },
  )
  .chain(length => fc.nat(255).map(byte => new Uint8Array(length).fill(byte)))

type Step =
  | { readonly put: Uint8Array; readonly value: Uint8Array }
  | { readonly ascending: number; readonly from: number; readonly size: number }
  | { readonly del: Uint8Array }
  | { readonly clear: readonly [Uint8Array, Uint8Array] }
  | { readonly hold: true }
  | { readonly release: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 30, arbitrary: fc.record({ put: key, value }) },
  { weight: 3, arbitrary: fc.record({ ascending: fc.integer({ min: 1, max: 60 }), from: fc.nat(400), size: fc.nat(60) }) },
  { weight: 15, arbitrary: fc.record({ del: key }) },
  { weight: 2, arbitrary: fc.record({ clear: fc.tuple(key, key) }) },
  { weight: 3, arbitrary: fc.constant({ hold: true } as const) },
  { weight: 2, arbitrary: fc.record({ release: fc.nat(9) }) },
)

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function without(model: Model, first: Uint8Array, last: Uint8Array): Model {
  return model.filter(([key]) => compareKeys(key, first) < 0 || compareKeys(key, last) > 0)
}

function withPair(model: Model, key: Uint8Array, value: Uint8Array): Model {
  const rest = without(model, key, key)
  const at = rest.findIndex(([other]) => compareKeys(other, key) > 0)
  return rest.toSpliced(at < 0 ? rest.length : at, 0, [key, value])
}

function shown(model: Model): string[] {
  return model.map(([key, value]) => `${key.join('.')} = ${value.length} x ${value[0]}`)
}

function content(tree: BareTree, version: LiveVersion | undefined): string[] {
  const cursor = tree.cursor(undefined, version)
  const forward: (readonly [Uint8Array, Uint8Array])[] = []
  const backward: (readonly [Uint8Array, Uint8Array])[] = []
  for (let valid = cursor.first(); valid; valid = cursor.next()) forward.push([cursor.key.copy(), cursor.value.copy()])
  for (let valid = cursor.last(); valid; valid = cursor.prev()) backward.push([cursor.key.copy(), cursor.value.copy()])
  cursor.close()
  expect(shown(backward.reverse())).toEqual(shown(forward))
  return shown(forward)
}

function apply(tree: BareTree, model: Model, step: Step): Model {
  if ('put' in step) {
    tree.put(step.put, step.value)
    return withPair(model, step.put, step.value)
  }
  if ('ascending' in step) {
    for (let i = 0; i < step.ascending; i++) {
      const key = bytesOf(`key:${String(step.from).padStart(6, '0')}/${String(i).padStart(3, '0')}`)
      const value = new Uint8Array(step.size).fill(i)
      tree.put(key, value)
      model = withPair(model, key, value)
    }
    return model
  }
  if ('del' in step) {
    const rest = without(model, step.del, step.del)
    expect(tree.del(step.del)).toBe(rest.length < model.length)
    return rest
  }
  if ('clear' in step) {
    const [first, last] = compareKeys(...step.clear) <= 0 ? step.clear : [step.clear[1], step.clear[0]]
    tree.clear(first, last)
    return without(model, first, last)
  }
  return model
}

for (const unitBytes of [256, 512]) {
  test(`any history leaves a sound tree with the right content, with pages of ${unitBytes} bytes`, async () => {
    let tallest = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 250, size: 'max' }), async steps => {
        const tree = await BareTree.open(unitBytes)
        let model: Model = []
        const moments: { readonly version: LiveVersion; readonly model: Model }[] = []
        for (const [number, step] of steps.entries()) {
          model = apply(tree, model, step)
          if ('hold' in step) moments.push({ version: tree.versions.hold(tree.tree.root, true), model })
          if ('release' in step && moments.length > 0) {
            const [moment] = moments.splice(step.release % moments.length, 1)
            expect(content(tree, moment.version)).toEqual(shown(moment.model))
            tree.versions.release(moment.version, true)
          }
          expect(await tree.violations(), `step ${number}`).toEqual([])
          tallest = Math.max(tallest, tree.tree.height)
        }
        expect(content(tree, undefined)).toEqual(shown(model))
        for (const [key, value] of model) expect(tree.get(key)).toEqual(value)
        for (const moment of moments) expect(content(tree, moment.version)).toEqual(shown(moment.model))
        for (const moment of moments) tree.versions.release(moment.version, true)
        tree.clear(new Uint8Array(0), new Uint8Array(400).fill(255))
        expect(tree.tree.root).toMatchObject({ level: 0, entries: 0, liveBytes: 0 })
        expect(tree.store.dirtyBytes).toBe(tree.tree.root.bytes)
      }),
      { numRuns: 60 },
    )
    expect(tallest).toBeGreaterThan(2)
  }, 120_000)
}
