import type { Page } from './page.js'

/**
 * What is left of a page whose contents went on to its next version: its place in the file, which is pending until no live version needs it.
 * It takes a fourth of the memory of a page: after a checkpoint there is soon one for every page of the tree.
 */
export class FormerPage {
  readonly born: number
  readonly offset: number
  readonly units: number
  /** The page's number in traces; 0 if no event has named it. */
  number: number

  constructor({ born, offset, units, number }: Page) {
    this.born = born
    this.offset = offset
    this.units = units
    this.number = number
  }

  get whole(): false {
    return false
  }

  get extents(): undefined {
    return undefined
  }
}

/** A page that left the tree. */
export type LeftPage = Page | FormerPage
