import type { Page } from '../pages/page.js'

/** How many pages each level of the tree has, and how many units their contents take, from the leaves up. A page that is compressed takes fewer. */
export class LevelCounts {
  readonly pages: number[] = []
  readonly units: number[] = []
  readonly #leafUnits: number

  /** The contents of a leaf take `leafUnits`. */
  constructor(leafUnits: number) {
    this.#leafUnits = leafUnits
  }

  clone(): LevelCounts {
    const clone = new LevelCounts(this.#leafUnits)
    clone.assign(this)
    return clone
  }

  assign({ pages, units }: LevelCounts): void {
    this.pages.splice(0, this.pages.length, ...pages)
    this.units.splice(0, this.units.length, ...units)
  }

  /** Adds the counts of other pages, or with `sign` -1 takes them away. */
  join({ pages, units }: LevelCounts, sign: 1 | -1): void {
    for (let level = 0; level < pages.length; level++) this.change(level, sign * pages[level], sign * units[level])
  }

  add(page: Pick<Page, 'level' | 'units'>): void {
    this.change(page.level, 1, Math.max(page.units, this.#leafUnits))
  }

  remove(page: Pick<Page, 'level' | 'units'>): void {
    this.change(page.level, -1, -Math.max(page.units, this.#leafUnits))
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
