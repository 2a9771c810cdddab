/**
 * A file with values: a log that is being written or waits to be sealed, or a data file, which never changes again.
 *
 * Invariants:
 * 1. A file that was merged into another one stays until no held moment needs a version in it.
 * 2. A value is checked when it is read first, and again when bytes of it were read from the disk since.
 */
import type { Cache } from '../cache/cache.js'
import { CacheEntry } from '../cache/eviction-policy.js'
import type { Hash32 } from '../codec/checksum.js'
import { EMPTY, type ByteView } from '../codec/entry.js'
import { WriteBatch } from '../engine/batch.js'
import { CorruptionError } from '../errors.js'
import type { ReadCounts } from '../trace/ledger.js'
import { joinPath, type FileHandle, type FileSystem } from '../vfs/file-system.js'
import { BLOCK_BITS, BLOCK_BYTES, BLOCK_MASK, BLOCK_MEMORY_BYTES, BlockMemory } from './block-memory.js'
import { checkOf } from './checks.js'
import type { Place } from './directory.js'
import { dataName, type DataName } from './file-names.js'

/** Longer values are read past the cache. */
export const MOST_CACHED_BYTES = 4 * BLOCK_BYTES

class Block extends CacheEntry {
  readonly bytes = BLOCK_MEMORY_BYTES
  readonly #owner: DataFile
  readonly #index: number
  readonly #memory: BlockMemory
  readonly #number: number

  constructor(owner: DataFile, index: number, memory: BlockMemory, number: number) {
    super()
    this.#owner = owner
    this.#index = index
    this.#memory = memory
    this.#number = number
  }

  get referenced(): boolean {
    return this.#memory.referenced[this.#number] === 1
  }

  set referenced(isReferenced: boolean) {
    this.#memory.referenced[this.#number] = isReferenced ? 1 : 0
  }

  override get tracedFile(): number {
    return this.#owner.number
  }

  override get tracedId(): number {
    return this.#index * BLOCK_BYTES
  }

  evict(): void {
    const { blocks, places } = this.#owner
    blocks[this.#index] = undefined
    this.#memory.give(this.#number)
    places[this.#index] = 0
  }
}

export class DataFile {
  /** Its number among the open files. */
  readonly slot: number
  readonly number: number
  readonly from: number
  readonly to: number
  /** The name now: that of the log as long as it is one. */
  name: string
  /** Where the last record ends. */
  bytes = 0
  /** Length of the file, and of its hint file. */
  fileBytes = 0
  hintBytes = 0
  firstSequence = 0
  lastSequence = 0
  /** Everything deleted up to this sequence number is not in the file. */
  cleanSequence = 0
  /** Keys and values of all puts, and of those that are the newest versions. */
  putBytes = 0
  puts = 0
  liveBytes = 0
  live = 0
  /** When the first of its entries expires, in milliseconds since the Unix epoch; 0 if none does. */
  firstExpiry = 0
  /** Versions that held moments need. */
  pins = 0
  isObsolete = false
  /** Deletions that older files may need. */
  readonly tombstones = new WriteBatch()
  readonly blocks: (Block | undefined)[] = []
  /** The numbers of cached blocks in their memory; 0 for others. */
  places: Int32Array = new Int32Array(0)
  handle: FileHandle | undefined

  constructor(slot: number, { number, from, to }: DataName, name: string) {
    this.slot = slot
    this.number = number
    this.from = from
    this.to = to
    this.name = name
  }

  get isLog(): boolean {
    return this.name.endsWith('.log')
  }

  noteExpiry(expiry: number): void {
    if (this.firstExpiry === 0 || expiry < this.firstExpiry) this.firstExpiry = expiry
  }

  /** The share of the puts that is the newest version of a key. */
  get liveShare(): number {
    return this.putBytes === 0 ? 0 : this.liveBytes / this.putBytes
  }
}

export interface DataFilesOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly hash32: Hash32
  readonly cache: Cache
  /** See BlockMemory. */
  readonly poison?: boolean
}

/** The open files with values, by their slots. */
export class DataFiles {
  readonly #options: DataFilesOptions
  readonly #slots: (DataFile | undefined)[] = [undefined]
  readonly #freeSlots: number[] = []
  readonly memory: BlockMemory
  /** The blocks that the last read took its value from. */
  readonly #readBlocks: number[] = []
  /** Those in force, the oldest first; the last one is being written, once there is one. */
  list: DataFile[] = []
  /** Called before a log is read up to byte `end`: its last bytes may be in memory yet. */
  onLogRead: ((log: number, end: number) => void) | undefined
  /** Gets what a read has touched. */
  counts: ReadCounts | undefined
  #scratch: Uint8Array = EMPTY

  constructor(options: DataFilesOptions) {
    this.#options = options
    this.memory = new BlockMemory(options.poison ?? false)
  }

  open(name: DataName, fileName = dataName(name)): DataFile {
    const slot = this.#freeSlots.pop() ?? this.#slots.length
    const file = new DataFile(slot, name, fileName)
    this.#slots[slot] = file
    return file
  }

  /** All files with values that are needed, obsolete ones included. */
  get all(): DataFile[] {
    return this.#slots.filter(file => file !== undefined)
  }

  at(slot: number): DataFile {
    return this.#slots[slot]!
  }

  path(file: DataFile): string {
    return joinPath(this.#options.directory, file.name)
  }

  /** Closes the file and forgets it. */
  drop(file: DataFile): void {
    this.release(file)
    this.#slots[file.slot] = undefined
    this.#freeSlots.push(file.slot)
  }

  /** Closes the file, which is opened again where it is read. */
  release(file: DataFile): void {
    const { cache } = this.#options
    file.blocks.forEach(block => {
      if (block === undefined) return
      cache.remove(block)
      block.evict()
    })
    file.blocks.length = 0
    file.places = new Int32Array(0)
    try {
      file.handle?.close()
    } catch {
      // Closed all the same, and nothing was written.
    }
    file.handle = undefined
  }

  closeAll(): void {
    for (const file of this.all) this.release(file)
  }

  /** Points `out` at a value, which is good until the next read. */
  read({ file: slot, offset, length, checksum }: Place, keyHash: number, out: ByteView): void {
    this.readAt(slot, offset, length, checksum, keyHash, out)
  }

  readAt(slot: number, offset: number, length: number, checksum: number, keyHash: number, out: ByteView): void {
    const file = this.#slots[slot]!
    const first = offset >>> BLOCK_BITS
    const blocks = this.#readBlocks
    blocks.length = 0
    if (length === 0) out.set(EMPTY, 0, 0)
    else if (length > MOST_CACHED_BYTES) this.#readDirect(file, offset, length, out)
    else if ((offset + length - 1) >>> BLOCK_BITS === first) this.#readInBlock(file, first, offset, length, out)
    else this.#readAcross(file, first, offset, length, out)
    if (checkOf(this.#options.hash32, keyHash, out.bytes, out.start, out.end) !== checksum) {
      throw new CorruptionError('A value is damaged', { file: this.path(file), offset })
    }
    for (let i = 0; i < blocks.length; i++) this.memory.setChecked(blocks[i], i === 0 ? offset & BLOCK_MASK : 0)
  }

  #readInBlock(file: DataFile, index: number, offset: number, length: number, out: ByteView): void {
    const block = this.#block(file, index)
    if (block === 0) {
      this.#readDirect(file, offset, length, out)
      return
    }
    const at = this.memory.startOf(block) + (offset & BLOCK_MASK)
    out.set(this.memory.bytesOf(block), at, at + length)
    this.#readBlocks.push(block)
  }

  /** Puts a value together that lies in several blocks. */
  #readAcross(file: DataFile, first: number, offset: number, length: number, out: ByteView): void {
    const target = this.#scratchFor(length)
    const blocks = this.#readBlocks
    for (let index = first, done = 0; done < length; index++) {
      const block = this.#block(file, index)
      if (block === 0) {
        blocks.length = 0
        this.#readDirect(file, offset, length, out)
        return
      }
      const from = index === first ? offset & BLOCK_MASK : 0
      const piece = Math.min(BLOCK_BYTES - from, length - done)
      const at = this.memory.startOf(block) + from
      target.set(this.memory.bytesOf(block).subarray(at, at + piece), done)
      done += piece
      blocks.push(block)
    }
    out.set(target, 0, length)
    // One may have left for a later one.
    if (blocks.some((block, i) => file.places[first + i] !== block)) blocks.length = 0
  }

  #readDirect(file: DataFile, offset: number, length: number, out: ByteView): void {
    const target = length > MOST_CACHED_BYTES ? new Uint8Array(length) : this.#scratchFor(length)
    if (file.isLog) this.onLogRead?.(file.number, offset + length)
    const read = this.#handle(file).read(target, offset, 0, length)
    this.#count(read)
    if (read < length) throw new CorruptionError('A value is cut off', { file: this.path(file), offset })
    out.set(target, 0, length)
  }

  /** The number of a whole block, from the cache or into it; 0 where the file may still grow into it, or the cache is too small. */
  #block(file: DataFile, index: number): number {
    const cached = file.blocks[index]
    const { cache } = this.#options
    if (cached !== undefined) {
      cached.referenced = true
      cache.hits++
      if (this.counts !== undefined) this.counts.blocksFromCache++
      if (cache.trace !== null) cache.trace.emit({ type: 'cache.hit', file: file.number, id: index * BLOCK_BYTES, bytes: BLOCK_BYTES })
      return file.places[index]
    }
    const start = index * BLOCK_BYTES
    if (file.isLog) {
      if (start + BLOCK_BYTES > file.bytes) return 0
      this.onLogRead?.(file.number, start + BLOCK_BYTES)
    }
    if (!cache.makeRoom(BLOCK_MEMORY_BYTES)) return 0
    const { memory } = this
    const number = memory.take()
    try {
      const at = memory.startOf(number)
      this.#count(this.#handle(file).read(memory.bytesOf(number), start, at, at + BLOCK_BYTES))
    } catch (error) {
      memory.give(number)
      throw error
    }
    cache.misses++
    if (cache.trace !== null) cache.trace.emit({ type: 'cache.miss', file: file.number, id: start, bytes: BLOCK_BYTES })
    const block = new Block(file, index, memory, number)
    while (file.blocks.length < index) file.blocks.push(undefined)
    file.blocks[index] = block
    if (index >= file.places.length) file.places = grown(file.places, Math.max(index + 1, 2 * file.places.length))
    file.places[index] = number
    cache.insert(block)
    return number
  }

  #count(bytes: number): void {
    if (this.counts === undefined) return
    this.counts.blocksFromDisk++
    this.counts.bytesFromDisk += bytes
  }

  #handle(file: DataFile): FileHandle {
    file.handle ??= this.#options.fileSystem.openRead(this.path(file))
    return file.handle
  }

  #scratchFor(length: number): Uint8Array {
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(Math.max(length, MOST_CACHED_BYTES))
    return this.#scratch
  }
}

function grown(places: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length)
  larger.set(places)
  return larger
}
