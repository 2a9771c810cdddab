import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyOrder, Oracle, type ExpectedEntries } from '../../../packages/lab/src/compare/oracle.js'

const key = fc.uint8Array({ maxLength: 3 })
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function* steps(entries: ExpectedEntries): Generator<readonly [Uint8Array, Uint8Array]> {
  while (entries.next()) {
    expect(entries.hasKey(entries.key)).toBe(true)
    yield [entries.key, entries.value]
  }
}

describe('the oracle', () => {
  it('a scan after any history is in the order of bytes, within its bounds', () => {
    const write = fc.oneof(
      { weight: 4, arbitrary: fc.record({ type: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 2 }) }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('del' as const), key }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('clear' as const), gte: key, lt: key }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('scan' as const) }) },
    )
    fc.assert(
      fc.property(fc.array(write, { maxLength: 60 }), key, key, fc.boolean(), fc.nat(9), (writes, gte, lt, reverse, limit) => {
        const oracle = new Oracle()
        const model = new Map<string, string>()
        const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')
        for (const operation of writes) {
          // Asking for an order in the middle makes the oracle keep it up to date.
          if (operation.type === 'scan') expect([...steps(oracle.scan({}))]).toHaveLength(oracle.size)
          oracle.apply(operation)
          if (operation.type === 'put') model.set(hex(operation.key), hex(operation.value))
          if (operation.type === 'del') model.delete(hex(operation.key))
          if (operation.type === 'clear') {
            for (const name of model.keys()) if (name >= hex(operation.gte) && name < hex(operation.lt)) model.delete(name)
          }
        }
        const wanted = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).filter(([name]) => name >= hex(gte) && name < hex(lt))
        const scanned = [...steps(oracle.scan({ gte, lt, reverse, limit }))].map(([k, v]) => [hex(k), hex(v)])
        expect(scanned).toEqual((reverse ? wanted.reverse() : wanted).slice(0, limit))
        expect(oracle.bytes).toBe([...model].reduce((total, [k, v]) => total + (k.length + v.length) / 2, 0))
        expect(oracle.size).toBe(model.size)
      }),
    )
  })

  it('oracles that share an order have their own keys', () => {
    const order = new KeyOrder()
    const keysAfter = (...keys: readonly string[]): string[] => {
      const oracle = new Oracle(order)
      for (const each of keys) oracle.apply({ type: 'put', key: bytes(each), value: bytes('') })
      const scan = (): string[] => [...steps(oracle.scan({}))].map(([k]) => new TextDecoder().decode(k))
      scan()
      oracle.apply({ type: 'put', key: bytes('m'), value: bytes('') })
      return scan()
    }
    expect(keysAfter('b', 'a')).toEqual(['a', 'b', 'm'])
    expect(keysAfter('a', 'b')).toEqual(['a', 'b', 'm'])
    expect(keysAfter('a', 'c')).toEqual(['a', 'c', 'm'])
  })

  it('a key that came back is not among the deleted', () => {
    const oracle = new Oracle()
    for (const type of ['put', 'del', 'put'] as const) oracle.apply({ type, key: bytes('a'), value: bytes('1') })
    oracle.apply({ type: 'put', key: bytes('b'), value: bytes('1') })
    oracle.apply({ type: 'batch', operations: [{ type: 'del', key: bytes('b') }] })
    expect([...oracle.deletedKeys].map(each => new TextDecoder().decode(each))).toEqual(['b'])
  })
})
