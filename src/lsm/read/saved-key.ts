import { compareBytes, type ByteView } from '../../codec/entry.js'

/** A key kept while the cursor it came from moves on; its memory is reused. Empty and unequal to everything at first. */
export class SavedKey {
  #bytes = new Uint8Array(64)
  #length = -1

  get length(): number {
    return this.#length
  }

  save(key: ByteView): void {
    const length = key.end - key.start
    if (length > this.#bytes.length) this.#bytes = new Uint8Array(length * 2)
    for (let i = 0, from = key.start; i < length; i++, from++) this.#bytes[i] = key.bytes[from]!
    this.#length = length
  }

  /** From the end, because the ends of neighbouring keys differ more often than their beginnings. */
  equals(key: ByteView): boolean {
    if (key.end - key.start !== this.#length) return false
    for (let i = this.#length - 1, at = key.end - 1; i >= 0; i--, at--) if (this.#bytes[i] !== key.bytes[at]) return false
    return true
  }

  isAfter(key: Uint8Array): boolean {
    return compareBytes(this.#bytes, 0, this.#length, key, 0, key.length) > 0
  }

  isBefore(key: Uint8Array): boolean {
    return compareBytes(this.#bytes, 0, this.#length, key, 0, key.length) < 0
  }

  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }
}
