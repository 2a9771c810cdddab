/** Stretches of the data file, in units: one list of pairs, in which neighbours that were added one after the other are one stretch. */
export class Extents {
  /** Offset and length of each stretch. */
  readonly pairs: number[] = []
  units = 0

  add(offset: number, units: number): void {
    const { pairs } = this
    const last = pairs.length - 2
    if (last >= 0 && pairs[last] + pairs[last + 1] === offset) pairs[last + 1] += units
    else pairs.push(offset, units)
    this.units += units
  }
}
