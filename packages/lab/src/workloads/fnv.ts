/**
 * The 64-bit FNV hash with which YCSB scatters its keys: over the eight bytes of a number, least significant first, and with the
 * sign of the result dropped. In two halves of 32 bits, because a BigInt for every key would cost more than most stores do.
 */
const OFFSET_HIGH = 0xcbf29ce4
const OFFSET_LOW = 0x84222325
/** The prime is 2^40 + 0x1b3. */
const PRIME_LOW = 0x1b3
const TWO_32 = 2 ** 32
const BILLION = 1e9

export interface Hash64 {
  /** Below 2^31, except for the one hash whose sign cannot be dropped. */
  readonly high: number
  readonly low: number
}

/** @param value - A safe integer, not negative. */
export function fnv64(value: number): Hash64 {
  let high = OFFSET_HIGH
  let low = OFFSET_LOW
  let rest = value
  for (let i = 0; i < 8; i++) {
    const next = Math.floor(rest / 256)
    low = (low ^ (rest - next * 256)) >>> 0
    rest = next
    const product = low * PRIME_LOW
    // The parts of the product and of the shift by 40 bits in the upper half.
    high = (Math.imul(high, PRIME_LOW) + Math.floor(product / TWO_32) + (low << 8)) >>> 0
    low = product % TWO_32
  }
  if (high < 2 ** 31) return { high, low }
  low = (~low + 1) >>> 0
  return { high: (~high + (low === 0 ? 1 : 0)) >>> 0, low }
}

/** The hash modulo `count`, which is below 2^36. */
export function modulo({ high, low }: Hash64, count: number): number {
  let rest = high % count
  rest = (rest * 65536 + (low >>> 16)) % count
  return (rest * 65536 + (low & 0xffff)) % count
}

/** The hash as a decimal number. */
export function decimal({ high, low }: Hash64): string {
  // Three divisions by 10^9, each of a number of at most 46 bits.
  let parts = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff]
  const groups: number[] = []
  for (let group = 0; group < 3; group++) {
    let rest = 0
    parts = parts.map(part => {
      const value = rest * 65536 + part
      rest = value % BILLION
      return Math.floor(value / BILLION)
    })
    groups.unshift(rest)
  }
  return groups
    .map(group => String(group).padStart(9, '0'))
    .join('')
    .replace(/^0+(?=\d)/, '')
}
