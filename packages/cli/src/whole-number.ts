import { InvalidArgumentError } from 'commander'

/** For options that take a whole number of at least `least`, also written `0x…`. */
export function wholeNumber(least: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^(\d+|0x[0-9a-f]+)$/i.test(text) && Number.isSafeInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`)
  }
}
