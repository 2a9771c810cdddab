/** Values of a wanted length, made from nothing but a seed: half of each repeats, so that it compresses as text does. */
import { SeededRandom, uniform } from 'kvarium/vfs'

const FIRST_LETTER = 'a'.charCodeAt(0)
const LETTERS = 26
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193
const decoder = new TextDecoder()

/** The value of `length` letters that `put KEY LENGTH` writes: the same for the same key and length. */
export function madeValue(key: string, length: number): string {
  let hash = FNV_OFFSET
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), FNV_PRIME)
  return drawnValue(new SeededRandom(hash >>> 0), length)
}

export function drawnValue(random: SeededRandom, length: number): string {
  const bytes = new Uint8Array(Math.ceil(length / 2))
  for (let at = 0; at < bytes.length; at++) bytes[at] = FIRST_LETTER + uniform(random, LETTERS)
  const unit = decoder.decode(bytes)
  return (unit + unit).slice(0, length)
}
