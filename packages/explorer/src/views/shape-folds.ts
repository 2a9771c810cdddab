/** The structure of an engine as its own fold reports it: the levels of an LSM tree, the levels of pages of a B+tree. */
import { BtreeShapeFold, type FoldedBtreeShape } from 'kvarium/btree'
import { LsmShapeFold, type FoldedLsmShape } from 'kvarium/lsm'
import type { TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'

export class LevelsFold implements Fold<FoldedLsmShape> {
  readonly #fold: LsmShapeFold

  constructor(fold = new LsmShapeFold()) {
    this.#fold = fold
  }

  apply(event: TraceEvent): void {
    this.#fold.apply(event)
  }

  clone(): LevelsFold {
    return new LevelsFold(this.#fold.clone())
  }

  picture(): FoldedLsmShape {
    return this.#fold.shape()
  }
}

export class TreeFold implements Fold<FoldedBtreeShape> {
  readonly #fold: BtreeShapeFold

  constructor(fold = new BtreeShapeFold()) {
    this.#fold = fold
  }

  apply(event: TraceEvent): void {
    this.#fold.apply(event)
  }

  clone(): TreeFold {
    return new TreeFold(this.#fold.clone())
  }

  picture(): FoldedBtreeShape {
    return this.#fold.shape()
  }
}
