import { afterEach, beforeEach } from 'vitest'
import { PageStore } from '../../../src/btree/pages/page-store.js'
import { Arena } from '../../../src/skiplist/arena.js'
import { TableCursor } from '../../../src/sstable/table-cursor.js'

let steps = 0

/**
 * Counts, in every test of this suite, what the built-in engines look at: entries that cursors step over, in skiplists and tables, and pages of
 * a tree. Descents of a search in a skiplist are not counted.
 */
export function countSteps(): void {
  const { next, prev } = Arena.prototype
  const { next: tableNext, prev: tablePrev } = TableCursor.prototype
  const { loaded } = PageStore.prototype
  beforeEach(() => {
    Arena.prototype.next = function (node, level) {
      steps++
      return next.call(this, node, level)
    }
    Arena.prototype.prev = function (node) {
      steps++
      return prev.call(this, node)
    }
    TableCursor.prototype.next = function () {
      steps++
      return tableNext.call(this)
    }
    TableCursor.prototype.prev = function () {
      steps++
      return tablePrev.call(this)
    }
    PageStore.prototype.loaded = function (page) {
      steps++
      return loaded.call(this, page)
    }
  })
  afterEach(() => {
    Object.assign(Arena.prototype, { next, prev })
    Object.assign(TableCursor.prototype, { next: tableNext, prev: tablePrev })
    Object.assign(PageStore.prototype, { loaded })
  })
}

export function stepsOf(work: () => void): number {
  const before = steps
  work()
  return steps - before
}
