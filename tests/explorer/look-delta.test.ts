/** Hazards: a page that shows an old picture after a step or a jump, and one that draws everything anew at each step. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { linesOf } from '../../packages/explorer/src/run/scenario.js'
import { isEqual, LookPacker, LookUnpacker, reused } from '../../packages/explorer/src/session/look-delta.js'
import type { Look } from '../../packages/explorer/src/session/protocol.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { SETTINGS } from './support/settings.js'

const session = new Session()
await session.begin(SETTINGS)
const { moments } = await session.add(linesOf(['random 300 keys 100', 'get key000001', 'flush', 'random 20']))

describe('looks between worker and page', () => {
  it('are whole again after steps, jumps and another run', async () => {
    const packer = new LookPacker()
    const unpacker = new LookUnpacker()
    const through = (look: Look): Look => unpacker.unpack(structuredClone(packer.pack(look)))
    for (const position of [0, 1, 2, 3, moments, moments - 1, 700, 701, 20]) {
      const look = await session.look({ position })
      expect(through(look)).toEqual(look)
    }
    const other = new Session()
    await other.begin({ seed: 1, lanes: [SETTINGS.lanes[1]] })
    const look = await other.look({ position: 1 })
    expect(through(look)).toEqual(look)
    await other.begin(SETTINGS)
    const wider = await other.look({ position: 1 })
    expect(through(wider)).toEqual(wider)
  })

  it('send and change by a step only pictures of the lane in which it happens, and few of these', async () => {
    const packer = new LookPacker()
    const unpacker = new LookUnpacker()
    let before = unpacker.unpack(packer.pack(await session.look({ position: 1500 })))
    let sent = 0
    const steps = 300
    for (let position = 1501; position <= 1500 + steps; position++) {
      const packed = structuredClone(packer.pack(await session.look({ position })))
      const look = unpacker.unpack(packed)
      for (const [lane, { pictures }] of look.lanes.entries()) {
        const changed = Object.entries(pictures).filter(([name, picture]) => picture !== before.lanes[lane].pictures[name as 'log'])
        sent += changed.length
        if (look.moment!.lane !== lane) expect(changed, `lane ${lane} at ${position}`).toEqual([])
      }
      before = look
    }
    // Of 13 pictures.
    expect(sent / steps).toBeLessThan(3)
  })

  it('keep what is equal as the same object', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (before, now) => {
        const copy: unknown = structuredClone(before)
        expect(reused(before, copy)).toBe(before)
        expect(reused(before, now)).toEqual(now)
        expect(isEqual(before, copy)).toBe(true)
        expect(isEqual(before, now)).toBe(isDeepStrictEqual(before, now))
      }),
      { seed: 16, numRuns: 200 },
    )
    const parts = { a: [1, { b: 2 }], c: { d: 3 } }
    const changed = reused(parts, { a: [1, { b: 2 }], c: { d: 4 } }) as typeof parts
    expect(changed.a).toBe(parts.a)
    expect(changed.c).not.toBe(parts.c)
  })
})
