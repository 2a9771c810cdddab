import { describe, expect, it } from 'vitest'
import { WriteQueue } from '../../src/engine/write-queue.js'

describe('a write queue', () => {
  const clock = { time: 0, now: () => clock.time }

  it('serves in order, stops at the first that must wait, and goes on from there', async () => {
    const queue = new WriteQueue(clock)
    const served: string[] = []
    let room = 0
    const attempt = (name: string) => () => {
      if (room === 0) return false
      room--
      served.push(name)
      return true
    }
    const waiting = ['a', 'b', 'c'].map(name => queue.wait(attempt(name)))
    queue.drain()
    expect([served, queue.isEmpty]).toEqual([[], false])
    room = 2
    queue.drain()
    await Promise.all(waiting.slice(0, 2))
    expect([served, queue.isEmpty]).toEqual([['a', 'b'], false])
    room = 5
    queue.drain()
    await waiting[2]
    expect([served, queue.isEmpty, room]).toEqual([['a', 'b', 'c'], true, 4])
  })

  it('fails only the writer whose attempt throws', async () => {
    const queue = new WriteQueue(clock)
    const bad = queue.wait(() => {
      throw new Error('too large')
    })
    const good = queue.wait(() => true)
    queue.drain()
    await expect(bad).rejects.toThrow('too large')
    await good
    expect(queue.isEmpty).toBe(true)
  })

  it('fails everybody at once, and takes writers again afterwards', async () => {
    const queue = new WriteQueue(clock)
    const waiting = [queue.wait(() => true), queue.wait(() => true)]
    queue.fail(new Error('the disk is full'))
    for (const each of waiting) await expect(each).rejects.toThrow('the disk is full')
    expect(queue.isEmpty).toBe(true)
    const later = queue.wait(() => true)
    queue.drain()
    await later
  })

  it('says how many waited and for how long', async () => {
    const queue = new WriteQueue(clock)
    const waiting = [queue.wait(() => true)]
    clock.time += 5
    waiting.push(queue.wait(() => true))
    clock.time += 3
    queue.drain()
    await Promise.all(waiting)
    expect(queue.stalls).toEqual({ count: 2, totalMs: 11 })
  })
})
