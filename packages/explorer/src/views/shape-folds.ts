/** The structure of a B+tree as its own fold reports it: the levels of pages. */
import { BtreeShapeFold, type FoldedBtreeShape } from 'kvarium/btree'
import type { TraceEvent } from 'kvarium/trace'
import type { Fold } from './fold.js'

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
