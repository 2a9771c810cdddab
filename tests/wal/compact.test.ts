import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadHash32, type Hash32 } from '../../src/codec/checksum.js'
import { WriteBatch } from '../../src/engine/batch.js'
import { CorruptionError } from '../../src/errors.js'
import { LogReader, LogWriter, type LogReplay } from '../../src/wal/index.js'
import { salvageLog } from '../../src/wal/salvage.js'
import { ByteFile } from './support/byte-file.js'

let hash32: Hash32
beforeAll(async () => {
  hash32 = await loadHash32()
})

const NUMBER = 7
/** Lengths of values, and whether a sync follows: -1 is a payload that is no batch. */
type Step = readonly [length: number, syncs: boolean]

interface Written {
  readonly bytes: Uint8Array
  readonly payloads: string[]
  readonly offsets: number[]
}

async function written(steps: readonly Step[], marker = true, compact = true): Promise<Written> {
  const file = new ByteFile()
  const log = new LogWriter(file, { logNumber: NUMBER, hash32, growBytes: 0, compact })
  const payloads: string[] = []
  const offsets: number[] = []
  let sequence = 1
  for (const [i, [length, syncs]] of steps.entries()) {
    const batch = new WriteBatch()
    for (let j = 0; j <= i % 3; j++) batch.put(Uint8Array.of(i, j), new Uint8Array(Math.max(length, 0)).fill(i))
    batch.seal(sequence)
    const payload = length < 0 ? Uint8Array.of(1, 2, 3) : batch.bytes.slice(0, batch.byteLength)
    offsets.push(log.append(payload))
    payloads.push(textOf(payload))
    const { payloadBase } = log
    const contents = file.contents()
    expect(textOf(contents.subarray(payloadBase + 12, payloadBase + payload.length))).toBe(textOf(payload.subarray(12)))
    if (length >= 0) sequence += batch.count
    if (syncs) await log.sync()
  }
  await log.close({ marker })
  return { bytes: file.contents(), payloads, offsets }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function read(bytes: Uint8Array, logNumber = NUMBER): LogReplay & { readonly payloads: string[]; readonly offsets: number[] } {
  const payloads: string[] = []
  const offsets: number[] = []
  const replay = new LogReader({ file: new ByteFile(bytes, 'x'), logNumber, hash32 }).replay((payload, offset, base) => {
    if (Buffer.compare(bytes.subarray(base + 12, base + payload.length), payload.subarray(12)) !== 0)
      throw new Error(`bytes are not at ${base}`)
    payloads.push(textOf(payload))
    offsets.push(offset)
  })
  return { ...replay, payloads, offsets }
}

const short: Step[] = Array.from({ length: 40 }, (_, i) => [(i * 37) % 150, i === 25])

describe('a log with compact frames', () => {
  it('gives every payload back, at its place, whatever follows whatever', async () => {
    const lengths = fc.oneof(fc.integer({ min: -1, max: 130 }), fc.integer({ min: 3900, max: 5000 }))
    const steps = fc.array(fc.tuple(lengths, fc.boolean()), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(steps, async all => {
        const log = await written(all)
        expect(read(log.bytes)).toMatchObject({ payloads: log.payloads, offsets: log.offsets, cleanlyClosed: true, droppedBytes: 0 })
      }),
      { numRuns: 40 },
    )
  })

  it('takes seven bytes for a put beside its operation', async () => {
    const steps: Step[] = Array.from({ length: 30 }, () => [60, false])
    const [compact, whole] = [await written(steps), await written(steps, true, false)]
    expect(whole.bytes.length - compact.bytes.length).toBeGreaterThan(29 * 20)
  })

  it('ends before a byte that was damaged or cut off, and is damaged where that had been durable', async () => {
    const { bytes, payloads, offsets } = await written(short, false)
    const durable = offsets[26]
    const endOf = (at: number): number => offsets.filter(offset => offset <= at).length - 1
    for (let at = 16; at < bytes.length; at += 5) {
      const damaged = bytes.slice()
      damaged[at] ^= 1 << (at & 7)
      if (at < durable) expect(() => read(damaged)).toThrow(CorruptionError)
      else expect(read(damaged).payloads).toEqual(payloads.slice(0, endOf(at)))
      const cut = read(bytes.slice(0, at)).payloads
      expect(cut).toEqual(payloads.slice(0, cut.length))
      expect(cut.length).toBeGreaterThanOrEqual(endOf(at))
    }
  })

  it('has no frame of another log, and none at another place', async () => {
    const { bytes, offsets } = await written(short, false)
    const moved = Uint8Array.from([...bytes.subarray(0, offsets[1]), ...bytes.subarray(offsets[2])])
    expect(() => read(bytes, NUMBER + 1)).toThrow(CorruptionError)
    expect(read(moved).payloads).toHaveLength(1)
  })

  it('loses only the damaged record where what is left is saved', async () => {
    const { bytes, payloads, offsets } = await written(short)
    for (let lost = 0; lost < offsets.length; lost++) {
      for (const at of [offsets[lost], offsets[lost] + 3, (offsets[lost + 1] ?? bytes.length - 16) - 1]) {
        const damaged = bytes.slice()
        damaged[at] ^= 64
        const saved: string[] = []
        salvageLog(new ByteFile(damaged, 'x'), NUMBER, hash32, {
          record: payload => saved.push(textOf(payload.subarray(12))),
          lost: () => undefined,
        })
        expect(saved).toEqual(payloads.filter((_, i) => i !== lost).map(payload => payload.slice(12)))
      }
    }
  })
})
