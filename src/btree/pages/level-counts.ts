import type { Page } from '../pages/page.js'

/** How many pages and units each level of the tree has, from the leaves up. */
export class LevelCounts {
  readonly pages: number[] = []
  readonly units: number[] = []

  clone(): LevelCounts {
    const clone = new LevelCounts()
    clone.pages.push(...this.pages)
    clone.units.push(...this.units)
    return clone
  }

  add(page: Page): void {
    this.change(page.level, 1, page.units)
  }

  remove(page: Page): void {
    this.change(page.level, -1, -page.units)
  }

  resize(level: number, units: number): void {
    if (units !== 0) this.change(level, 0, units)
  }

  change(level: number, pages: number, units: number): void {
    while (this.pages.length <= level) {
      this.pages.push(0)
      this.units.push(0)
    }
    this.pages[level] += pages
    this.units[level] += units
  }
}
