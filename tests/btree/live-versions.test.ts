import { beforeEach, describe, expect, it } from 'vitest'
import { FramePool } from '../../src/cache/frame-pool.js'
import { LiveVersions } from '../../src/btree/pages/live-versions.js'
import type { LeftPage } from '../../src/btree/pages/former-page.js'
import { Page } from '../../src/btree/pages/page.js'

describe('pages that left the tree', () => {
  let freed: LeftPage[] = []
  let versions = new LiveVersions(() => {})
  const frames = new FramePool(0, false)
  const pageAt = (level = 0): Page => new Page(frames, level, versions.generation, 1, { unitBytes: 256, pageUnits: 1 }, true)

  beforeEach(() => {
    freed = []
    versions = new LiveVersions(page => freed.push(page))
  })

  it('one that no live version reaches is free at once', () => {
    versions.hold(pageAt(), true)
    const young = pageAt()
    versions.retire(young)
    expect(freed).toEqual([young])
  })

  it('one that several held versions reach is free when the last of them is released, in whatever order', () => {
    const page = pageAt()
    const held = [1, 2, 3].map(() => versions.hold(pageAt(), true))
    versions.retire(page)
    for (const index of [2, 0]) {
      versions.release(held[index], true)
      expect(freed).toEqual([])
    }
    versions.release(held[1], true)
    expect(freed).toEqual([page])
  })

  it('one that is younger than a live version does not wait for it', () => {
    const before = versions.hold(pageAt(), true)
    const page = pageAt()
    const after = versions.hold(pageAt(), true)
    versions.retire(page)
    expect(freed).toEqual([])
    versions.release(after, true)
    expect(freed).toEqual([page])
    versions.release(before, true)
  })

  it('a subtree waits for roots that are older than its top: they may reach what is under it', () => {
    const before = versions.hold(pageAt(), true)
    const top = pageAt(1)
    top.whole = true
    const after = versions.hold(pageAt(), false)
    versions.retire(top)
    versions.release(after, false)
    expect(freed).toEqual([])
    versions.release(before, true)
    expect(freed).toEqual([top])
  })

  it('holding the same root again does not begin another generation, and each holder counts', () => {
    const root = pageAt()
    const one = versions.hold(root, true)
    const { generation } = versions
    expect(versions.hold(root, false)).toBe(one)
    expect(versions.generation).toBe(generation)
    versions.release(one, true)
    expect(versions.live).toEqual([one])
    expect(versions.readUpTo).toBe(-1)
    versions.release(one, false)
    expect(versions.live).toEqual([])
    expect(versions.sharedUpTo).toBe(0)
  })
})
