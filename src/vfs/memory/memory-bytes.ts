/**
 * A growing byte array in chunks, for the memory file system. Two of them (a file's current and its durable bytes) share
 * chunks until one changes bytes of the other; crash images share the chunks of their origin in the same way.
 *
 * Invariants:
 * 1. Every chunk but a lone first one has `chunkBytes`; a lone first chunk grows by doubling, so that small files stay small.
 * 2. Bytes of a chunk at or behind `size` mean nothing; growth over them fills with zeros first.
 * 3. A chunk that is also the peer's is written in place only where the peer's size does not reach; otherwise it is copied first.
 *    So appending after a sync copies nothing, and overwriting copies a chunk once per sync.
 * 4. A chunk of which `copyTo` has made a copy is lent from then on: every holder copies it before writing anywhere in it.
 */
const chunkBits = 14
export const chunkBytes = 1 << chunkBits
const chunkMask = chunkBytes - 1
const smallestChunk = 256

interface Chunk {
  readonly bytes: Uint8Array
  isLent: boolean
}

export class MemoryBytes {
  #chunks: Chunk[] = []
  #size = 0
  #peer: MemoryBytes | undefined

  get size(): number {
    return this.#size
  }

  /** A pair that is equal now and may diverge. */
  static pair(): { readonly current: MemoryBytes; readonly durable: MemoryBytes } {
    const current = new MemoryBytes()
    const durable = new MemoryBytes()
    current.#peer = durable
    durable.#peer = current
    return { current, durable }
  }

  /** Makes this equal to its peer. Outside of chunks `[first, end)` the two must be equal already, up to the peer's size. */
  adoptPeer(first = 0, end = Infinity): void {
    const source = this.#peer!
    const stop = Math.min(end, source.#chunks.length)
    for (let index = first; index < stop; index++) this.#chunks[index] = source.#chunks[index]!
    this.#chunks.length = source.#chunks.length
    this.#size = source.#size
  }

  read(target: Uint8Array, position: number, start: number, end: number): number {
    const stop = Math.min(end, start + Math.max(0, this.#size - position))
    for (let at = start; at < stop;) {
      const from = position + at - start
      const within = from & chunkMask
      const count = Math.min(stop - at, chunkBytes - within)
      const chunk = this.#chunks[Math.floor(from / chunkBytes)]
      target.set(chunk.bytes.subarray(within, within + count), at)
      at += count
    }
    return stop - start
  }

  write(source: Uint8Array, position: number, start: number, end: number): void {
    if (position > this.#size) this.#fillZeros(this.#size, position)
    for (let at = start; at < end;) {
      const to = position + at - start
      const within = to & chunkMask
      const count = Math.min(end - at, chunkBytes - within)
      this.#writable(to, count).set(source.subarray(at, at + count), within)
      at += count
    }
    this.#size = Math.max(this.#size, position + end - start)
  }

  truncate(size: number): void {
    if (size > this.#size) this.#fillZeros(this.#size, size)
    this.#size = size
    this.#chunks.length = Math.min(this.#chunks.length, Math.ceil(size / chunkBytes))
  }

  /** Makes `target` equal to this. The two share all chunks until one writes. */
  copyTo(target: MemoryBytes): void {
    for (const chunk of this.#chunks) chunk.isLent = true
    target.#chunks = this.#chunks.slice()
    target.#size = this.#size
  }

  #fillZeros(from: number, to: number): void {
    for (let at = from; at < to;) {
      const within = at & chunkMask
      const count = Math.min(to - at, chunkBytes - within)
      this.#writable(at, count).fill(0, within, within + count)
      at += count
    }
    this.#size = to
  }

  /** The chunk at `position`, made big enough for `count` bytes from there, and unshared where another holder could see them. */
  #writable(position: number, count: number): Uint8Array {
    const index = Math.floor(position / chunkBytes)
    const needed = (position & chunkMask) + count
    const chunk = this.#chunks[index]
    // A later chunk is reached only over the end of the first one, which then has its full size.
    if (chunk === undefined) return this.#put(index, new Uint8Array(index > 0 ? chunkBytes : roundUp(needed)))
    const peer = this.#peer
    const isSeenByPeer = peer !== undefined && position < peer.#size && peer.#chunks[index] === chunk
    const { bytes } = chunk
    if (bytes.length >= needed && !isSeenByPeer && !chunk.isLent) return bytes
    return this.#put(index, resized(bytes, Math.max(bytes.length, roundUp(needed))))
  }

  #put(index: number, bytes: Uint8Array): Uint8Array {
    this.#chunks[index] = { bytes, isLent: false }
    return bytes
  }
}

function roundUp(bytes: number): number {
  let size = smallestChunk
  while (size < bytes) size *= 2
  return size
}

function resized(chunk: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(length)
  copy.set(chunk)
  return copy
}
