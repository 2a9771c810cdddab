import { describe, expect, it } from 'vitest'
import { JobPace } from '../../src/engine/durable/job-pace.js'
import { WritePacer, type WriteLimit } from '../../src/engine/durable/write-pacer.js'

/** Time that passes only in `pass`, with timers that fire in it. */
class Time {
  now = 0
  #timers: { at: number; resolve: () => void }[] = []
  readonly clock = { now: (): number => this.now }
  readonly scheduler = {
    turn: (): Promise<void> => Promise.resolve(),
    sleep: (ms: number): Promise<void> => new Promise(resolve => this.#timers.push({ at: this.now + ms, resolve })),
  }

  async pass(ms: number): Promise<void> {
    this.now += ms
    const due = this.#timers.filter(({ at }) => at <= this.now)
    this.#timers = this.#timers.filter(({ at }) => at > this.now)
    for (const { resolve } of due) resolve()
    await Promise.resolve()
    await Promise.resolve()
  }
}

const WRITE_BYTES = 200
const WRITE_MS = 0.005

/** One writer after the other, until the job ends or the limit is reached. */
async function outrun(jobMs: number, limitBytes: number): Promise<{ written: number; worstMs: number; endedMs: number }> {
  const time = new Time()
  let written = 0
  let dues = 0
  const limits = (now: number): WriteLimit[] => [{ jobMs, leftMs: Math.max(0, jobMs - now), leftBytes: limitBytes - written }]
  const pacer = new WritePacer({ ...time, limits, onDue: () => dues++ })
  let worstMs = 0
  while (time.now < jobMs && written + WRITE_BYTES <= limitBytes) {
    const since = time.now
    while (!pacer.admits(WRITE_BYTES)) {
      expect(pacer.isDelaying).toBe(true)
      const before = dues
      while (dues === before) await time.pass(0.5)
    }
    worstMs = Math.max(worstMs, time.now - since)
    written += WRITE_BYTES
    await time.pass(WRITE_MS)
  }
  return { written, worstMs, endedMs: time.now }
}

describe('the write pacer', () => {
  it('delays writers that outrun a job by a little each, so that none waits for the rest of it', async () => {
    for (const [jobMs, limitBytes] of [
      [500, 4 << 20],
      [500, 1 << 20],
      [2000, 200_000],
      [100, 100_000],
    ] as const) {
      const { written, worstMs, endedMs } = await outrun(jobMs, limitBytes)
      expect(endedMs).toBeGreaterThanOrEqual(jobMs - 10)
      expect(worstMs).toBeLessThanOrEqual(10.5)
      expect(written).toBeGreaterThan(limitBytes / 2)
    }
  })

  it('delays no writer where the job ends long before the limit, or is short', async () => {
    expect((await outrun(100, 64 << 20)).worstMs).toBe(0)
    expect((await outrun(15, 10_000)).worstMs).toBe(0)
  })

  it('owes nothing to a job that is over', async () => {
    const time = new Time()
    let limits: WriteLimit[] = [{ jobMs: 1000, leftMs: 1000, leftBytes: 10_000 }]
    const pacer = new WritePacer({ ...time, limits: () => limits, onDue: () => undefined })
    expect(pacer.admits(5000)).toBe(true)
    expect(pacer.admits(1)).toBe(false)
    limits = []
    pacer.reset()
    expect(pacer.isDelaying).toBe(false)
    expect(pacer.admits(5000)).toBe(true)
    expect(pacer.admits(5000)).toBe(true)
    await time.pass(100)
  })
})

describe('the pace of jobs', () => {
  it('expects of a job what the ones before took by their bytes, and more of one that is overdue', () => {
    const clock = { time: 0, now: () => clock.time }
    const pace = new JobPace(clock)
    pace.begin(1000)
    expect(pace.expect(0)).toBeUndefined()
    clock.time = 100
    pace.end(true)
    expect(pace.expect(100)).toBeUndefined()
    pace.begin(2000)
    expect(pace.expect(150)).toEqual({ jobMs: 200, leftMs: 150 })
    expect(pace.expect(500)).toEqual({ jobMs: 200, leftMs: 100 })
    clock.time = 700
    pace.end(false)
    pace.begin(1000)
    expect(pace.expect(700)).toEqual({ jobMs: 100, leftMs: 100 })
  })
})
