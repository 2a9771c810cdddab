import { describe, expect, it } from 'vitest'
import { loadHash32 } from '../../src/codec/checksum.js'
import { WORKLOADS, findWorkload } from '../../packages/lab/src/workloads/catalogue.js'
import { StreamDigest } from '../../packages/lab/src/workloads/digest.js'
import { Values } from '../../packages/lab/src/workloads/entries.js'
import type { Plan, Size, WorkloadOperation } from '../../packages/lab/src/workloads/workload.js'

const SIZE: Size = { entries: 3000, operations: 3000, keyBytes: 16, valueBytes: 100, seed: 1, batch: 1, readsSync: false }
const text = new TextDecoder()

function planOf(name: string, size: Partial<Size> = {}): Plan {
  return findWorkload(name)!.plan({ ...SIZE, operations: size.entries ?? SIZE.operations, ...size })
}

function runOf(plan: Plan): WorkloadOperation[] {
  const phase = plan.phases.findLast(({ kind }) => kind !== 'other')!
  return phase.lanes.flatMap(lane => [...lane()])
}

async function digestOf(plan: Plan): Promise<string> {
  const digest = new StreamDigest(await loadHash32())
  for (const { lanes } of plan.phases) for (const lane of lanes) for (const operation of lane()) digest.add(operation)
  return digest.toString()
}

const shareOf = (operations: readonly WorkloadOperation[], type: WorkloadOperation['type']): number =>
  operations.filter(operation => operation.type === type).length / operations.length

describe('workloads', () => {
  it.each(WORKLOADS.map(({ name }) => name))('%s: two engines get the same operations, another seed gives others', async name => {
    const plan = planOf(name)
    const digest = await digestOf(plan)
    expect(await digestOf(plan)).toBe(digest)
    expect(await digestOf(planOf(name))).toBe(digest)
    expect(await digestOf(planOf(name, { seed: 2 }))).not.toBe(digest)
    for (const { name: phase, operations, lanes } of plan.phases) {
      const calls = lanes.reduce((sum, lane) => sum + [...lane()].length, 0)
      expect(`${phase} ${calls}`).toBe(`${phase} ${operations}`)
    }
  })

  it('the digest sees every part of an operation', async () => {
    const hash32 = await loadHash32()
    const of = (...operations: WorkloadOperation[]): string => {
      const digest = new StreamDigest(hash32)
      for (const operation of operations) digest.add(operation)
      return digest.toString()
    }
    const key = new Uint8Array([1, 2])
    const value = new Uint8Array([3])
    const other = new Uint8Array([4])
    const digests = [
      of({ type: 'put', key, value }),
      of({ type: 'put', key, value: other }),
      of({ type: 'put', key: other, value }),
      of({ type: 'put', key, value, sync: true }),
      of({ type: 'del', key }),
      of({ type: 'get', key }),
      of({ type: 'get-sync', key }),
      of({ type: 'scan', gte: key }),
      of({ type: 'scan', gte: key, limit: 3 }),
      of({ type: 'scan', gte: key, reverse: true }),
      of({ type: 'scan', lt: key }),
      of({ type: 'read-modify-write', key, value }),
      of({ type: 'batch', operations: [{ type: 'put', key, value }] }),
      of({ type: 'get', key }, { type: 'get', key: other }),
      of({ type: 'get', key: other }, { type: 'get', key }),
    ]
    expect(new Set(digests).size).toBe(digests.length)
  })

  it('YCSB mixes reads, updates, inserts and scans as its files say', () => {
    const [a, b, c, d, e, f] = ['a', 'b', 'c', 'd', 'e', 'f'].map(name => runOf(planOf(`ycsb-${name}`, { entries: 20_000 })))
    expect(shareOf(a, 'get')).toBeCloseTo(0.5, 1)
    expect(shareOf(a, 'put')).toBeCloseTo(0.5, 1)
    for (const [operations, share] of [
      [b, 0.95],
      [d, 0.95],
      [c, 1],
      [f, 0.5],
    ] as const) {
      expect(Math.abs(shareOf(operations, 'get') - share)).toBeLessThan(0.012)
    }
    expect(Math.abs(shareOf(e, 'scan') - 0.95)).toBeLessThan(0.012)
    expect(Math.abs(shareOf(f, 'read-modify-write') - 0.5)).toBeLessThan(0.012)
    const limits = e.flatMap(operation => (operation.type === 'scan' ? [operation.limit!] : []))
    expect([Math.min(...limits), Math.max(...limits)]).toEqual([1, 100])
  })

  it('YCSB E and D insert records that are new, and read only those that are there', () => {
    for (const name of ['ycsb-d', 'ycsb-e']) {
      const plan = planOf(name)
      const there = new Set<string>()
      for (const { lanes } of plan.phases) {
        for (const operation of lanes[0]()) {
          if (operation.type === 'batch') for (const { key } of operation.operations) there.add(text.decode(key))
          else if (operation.type === 'put') {
            expect(there.has(text.decode(operation.key))).toBe(false)
            there.add(text.decode(operation.key))
          } else if (operation.type === 'get') expect(there.has(text.decode(operation.key))).toBe(true)
          else if (operation.type === 'scan') expect(there.has(text.decode(operation.gte))).toBe(true)
        }
      }
      expect(there.size).toBeGreaterThan(SIZE.entries)
    }
  })

  it('YCSB writes records of ten fields under hashed keys', () => {
    const [load] = planOf('ycsb-c').phases
    const [first] = load.lanes[0]()
    if (first.type !== 'batch') throw new TypeError('a load begins with a batch')
    const [put] = first.operations
    expect(text.decode(put.key)).toBe('user6284781860667377211')
    expect(put.type === 'put' && put.value.length).toBe(1000)
  })

  it("mixgraph's shares and sizes are the published ones", () => {
    const operations = runOf(planOf('mixgraph', { entries: 50_000 }))
    expect(Math.abs(shareOf(operations, 'get') - 0.83)).toBeLessThan(0.006)
    expect(Math.abs(shareOf(operations, 'put') - 0.14)).toBeLessThan(0.006)
    expect(Math.abs(shareOf(operations, 'scan') - 0.03)).toBeLessThan(0.006)
    const sizes = operations.flatMap(operation => (operation.type === 'put' ? [operation.value.length] : []))
    // Rounded up, so half a byte more than the mean of the distribution.
    expect(Math.abs(sizes.reduce((sum, bytes) => sum + bytes, 0) / sizes.length - 34.96)).toBeLessThan(1.5)
    for (const operation of operations) if (operation.type === 'get') expect(operation.key.length).toBe(48)
  })

  it('missing keys are missing, hot keys are the first hundredth, a sequential fill is in order', () => {
    const keys = (name: string): string[] => runOf(planOf(name)).map(operation => ('key' in operation ? text.decode(operation.key) : ''))
    expect(keys('readmissing').every(key => key.length === 17 && key.endsWith('.'))).toBe(true)
    expect(Math.max(...keys('readhot').map(Number))).toBeLessThan(30)
    const filled = keys('fillseq')
    expect(filled).toEqual([...filled].sort())
    expect(new Set(filled).size).toBe(SIZE.entries)
    // With replacement, 1 - 1/e of the keys are drawn.
    expect(new Set(keys('fillrandom')).size / SIZE.entries).toBeCloseTo(1 - Math.exp(-1), 1)
  })

  it('writes in batches are the same writes', () => {
    const single = runOf(planOf('overwrite'))
    const batches = runOf(planOf('overwrite', { batch: 100 }))
    expect(batches).toHaveLength(30)
    expect(batches.flatMap(operation => (operation.type === 'batch' ? operation.operations : []))).toEqual(single)
  })

  it('a key is overwritten with another value, and a value compresses to about 0.6', async () => {
    const values = new Values(1, 1000)
    const all = Array.from({ length: 1000 }, (_, number) => text.decode(values.value(number, 100)))
    expect(new Set(all).size).toBeGreaterThan(995)
    const { deflateRawSync } = await import('node:zlib')
    const ratio = deflateRawSync(Buffer.from(values.value(5, 1000)), { level: 1 }).length / 1000
    expect(ratio).toBeGreaterThan(0.4)
    expect(ratio).toBeLessThan(0.7)
  })

  it('data larger than the cache are larger than the cache', () => {
    const { cacheBytes, entries, keyBytes, valueBytes } = planOf('beyond-cache', { entries: 100_000 })
    expect(cacheBytes).toBe((entries * (keyBytes + valueBytes)) / 8)
  })
})
