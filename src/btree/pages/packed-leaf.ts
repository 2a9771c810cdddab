/**
 * A leaf as a file with compression has it: in fewer units than its contents take in memory.
 *
 *   length u16 | LZ4 block of the contents, that many bytes | zeros up to the end of the last unit
 *
 * A leaf that does not shrink by a unit is on disk as it is in memory, and so are large leaves and branches: the number of units tells.
 *
 * Invariant: the bytes depend on the contents alone, so that a backup knows an unchanged leaf by them.
 */
import { compressLz4, decompressLz4 } from '../../codec/lz4.js'
import { CorruptionError } from '../../errors.js'

const LENGTH_BYTES = 2

/** Packs the leaves of a file, one after the other. */
export class LeafPacker {
  readonly #unitBytes: number
  readonly #target: Uint8Array

  /** The size of a leaf in memory is `pageBytes`, that of a unit on disk `unitBytes`. */
  constructor(pageBytes: number, unitBytes: number) {
    this.#unitBytes = unitBytes
    this.#target = new Uint8Array(pageBytes - unitBytes)
  }

  /** The packed leaf, valid until the next call: a number of whole units. `undefined` if it takes as many as the contents. */
  pack(contents: Uint8Array): Uint8Array | undefined {
    const target = this.#target
    const length = compressLz4(contents, target.subarray(LENGTH_BYTES))
    if (length < 0) return undefined
    target[0] = length
    target[1] = length >>> 8
    const end = LENGTH_BYTES + length
    const size = Math.ceil(end / this.#unitBytes) * this.#unitBytes
    target.fill(0, end, size)
    return target.subarray(0, size)
  }
}

/** Decompresses a packed leaf, whose contents fill `target`. `place` is where the extent is. */
export function unpackLeaf(extent: Uint8Array, target: Uint8Array, place: { readonly file: string; readonly offset: number }): void {
  try {
    const end = LENGTH_BYTES + (extent[0] | (extent[1] << 8))
    if (end > extent.length) throw new CorruptionError('its length runs past its units')
    decompressLz4(extent.subarray(LENGTH_BYTES, end), target)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CorruptionError(`a leaf does not decompress: ${reason}`, { ...place, cause })
  }
}
