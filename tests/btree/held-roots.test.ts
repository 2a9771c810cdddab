import { beforeEach, describe, expect, it } from 'vitest'
import { FramePool } from '../../src/cache/frame-pool.js'
import { HeldRoots } from '../../src/btree/pages/held-roots.js'
import { Page } from '../../src/btree/pages/page.js'

describe('pages that left the tree', () => {
  let freed: Page[] = []
  let roots = new HeldRoots(() => {})
  const frames = new FramePool(0, false)
  const pageAt = (level = 0): Page => new Page(frames, level, roots.generation, 1, 256, true)

  beforeEach(() => {
    freed = []
    roots = new HeldRoots(page => freed.push(page))
  })

  it('one that no held root reaches is free at once', () => {
    roots.hold(pageAt(), true)
    const young = pageAt()
    roots.kill(young)
    expect(freed).toEqual([young])
  })

  it('one that several held roots reach is free when the last of them is let go, in whatever order', () => {
    const page = pageAt()
    const held = [1, 2, 3].map(() => roots.hold(pageAt(), true))
    roots.kill(page)
    for (const index of [2, 0]) {
      roots.release(held[index], true)
      expect(freed).toEqual([])
    }
    roots.release(held[1], true)
    expect(freed).toEqual([page])
  })

  it('one that is younger than a held root does not wait for it', () => {
    const before = roots.hold(pageAt(), true)
    const page = pageAt()
    const after = roots.hold(pageAt(), true)
    roots.kill(page)
    expect(freed).toEqual([])
    roots.release(after, true)
    expect(freed).toEqual([page])
    roots.release(before, true)
  })

  it('a subtree waits for roots that are older than its top: they may reach what is under it', () => {
    const before = roots.hold(pageAt(), true)
    const top = pageAt(1)
    top.whole = true
    const after = roots.hold(pageAt(), false)
    roots.kill(top)
    roots.release(after, false)
    expect(freed).toEqual([])
    roots.release(before, true)
    expect(freed).toEqual([top])
  })

  it('holding the same root again does not begin another generation, and each holder counts', () => {
    const root = pageAt()
    const one = roots.hold(root, true)
    const { generation } = roots
    expect(roots.hold(root, false)).toBe(one)
    expect(roots.generation).toBe(generation)
    roots.release(one, true)
    expect(roots.held).toEqual([one])
    expect(roots.readerFrozen).toBe(-1)
    roots.release(one, false)
    expect(roots.held).toEqual([])
    expect(roots.frozen).toBe(0)
  })
})
