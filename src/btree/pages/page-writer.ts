/**
 * Writes the dirty pages of held versions to free places in the data file, in slices between turns of the event loop.
 *
 * Invariants:
 * 1. A page is written after its children: the reference to a page holds its place and its check.
 * 2. Pages stay dirty, and in memory, until `settle`: only then are they known to be durable. But the contents of a written page that the
 *    writer changes go to the new version, without a copy: the version that is being written needs them no more.
 * 3. A page that left the tree, and that no reader can reach, loses its contents as soon as they are written.
 * 4. A leaf that is changed before its turn is written at once, so that the change needs no copy of it. Its place follows that of the page
 *    written last, whatever their keys.
 * 5. `abandon` restores the state before the write. A page that has lost its contents is freed with the version that is being written.
 */
import { CHUNK_BYTES } from '../../codec/checksum.js'
import { Cell } from '../../codec/sorted-block.js'
import { withSpan, type Span } from '../../trace/span.js'
import type { Clock, Scheduler } from '../../vfs/environment.js'
import { typedError } from '../../vfs/vfs-error.js'
import type { FreeSpace } from './free-space.js'
import type { LiveVersion, LiveVersions } from './live-versions.js'
import type { Page } from './page.js'
import type { PageFile } from './page-file.js'
import { PageSlices } from './page-slices.js'
import type { PageStore } from './page-store.js'
import { writeReference } from './reference.js'

/** Adjacent pages go to the file in one call of up to this length. */
const RUN_BYTES = 256 * 1024

export interface PageWriterOptions {
  readonly file: PageFile
  readonly store: PageStore
  readonly free: FreeSpace
  readonly versions: LiveVersions
  readonly clock: Clock
  readonly scheduler: Scheduler
}

export class PageWriter {
  readonly #options: PageWriterOptions
  readonly #run = new Uint8Array(RUN_BYTES)
  readonly #cell = new Cell()
  readonly #slices: PageSlices
  #runPosition = 0
  #runLength = 0
  #written: Page[] = []
  #bytes = 0
  /** What compression has spared of the run. */
  #savedBytes = 0
  #dirtyBytes = 0
  /** What a leaf that was written before its turn met: the write under way fails with it. */
  #failure: Error | undefined

  constructor(options: PageWriterOptions) {
    this.#options = options
    this.#slices = new PageSlices(options.clock)
  }

  /** Pages written since the last `settle` or `abandon`. */
  get pages(): number {
    return this.#written.length
  }

  /** Their bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** What they took of the store's dirty bytes. */
  get dirtyBytes(): number {
    return this.#dirtyBytes
  }

  /** Writes what is dirty in the tree of a version, which the caller holds, in the span. */
  async write({ root, generation }: LiveVersion, span: Span | null): Promise<void> {
    if (!isDue(root)) return
    const { store } = this.#options
    store.writeAhead = page => {
      if (page.born <= generation) withSpan(span, () => this.#writeAhead(page))
    }
    try {
      this.#slices.start()
      const path = [root]
      const slots = [0]
      while (path.length > 0) {
        const top = path.length - 1
        const page = path[top]
        const child = nextDue(page, slots[top])
        if (child >= 0) {
          slots[top] = child + 1
          path.push(page.children![child]!)
          slots.push(0)
          continue
        }
        await this.#writePage(page, span)
        path.pop()
        slots.pop()
        if (this.#slices.isOver()) await this.#turn()
        if (this.#failure !== undefined) throw this.#failure
      }
      withSpan(span, () => this.#flush())
    } finally {
      store.writeAhead = undefined
    }
  }

  /** The caller has made everything written durable: the pages become clean. */
  async settle(span: Span | null): Promise<void> {
    this.#slices.start()
    for (const page of this.#written) {
      if (page.dirty) withSpan(span, () => this.#options.store.clean(page))
      if (this.#slices.isOver()) await this.#turn()
    }
    this.#forget()
  }

  /** What was written may be lost: the pages stay dirty, and their places are free again. */
  abandon(): void {
    for (const page of this.#written) {
      if (!page.dirty) continue
      const { free, store } = this.#options
      free.free(page.offset, page.units)
      page.units = store.contentUnits(page)
      page.offset = page.check = 0
    }
    this.#forget()
    this.#runLength = this.#savedBytes = 0
  }

  #forget(): void {
    this.#written = []
    this.#failure = undefined
    this.#bytes = this.#dirtyBytes = 0
  }

  /** Writes its children's places into the page and gives it its own. Returns what the file is to have there. */
  #place(page: Page): Uint8Array {
    const { free, file, store } = this.#options
    const block = page.block!
    const { bytes, base, capacity } = block
    const { children } = page
    for (let slot = 0; slot < (children?.length ?? 0); slot++) {
      const child = children![slot]
      if (child === undefined) continue
      block.readCell(slot, this.#cell)
      writeReference(bytes, this.#cell.payloadStart, child)
      child.parent = page
      if (!child.dirty && child.block === undefined) children![slot] = undefined
    }
    bytes.fill(0, block.gapStart, block.gapEnd)
    const contents = bytes.subarray(base, base + capacity)
    const packed = page.level > 0 || page.isLarge ? undefined : file.packer?.pack(contents)
    const extent = packed ?? contents
    page.units = extent.length / store.unitBytes
    page.offset = free.take(page.units)
    this.#written.push(page)
    this.#bytes += extent.length
    this.#dirtyBytes += page.bytes
    return extent
  }

  /** The page has its check, which its parent will hold. */
  #checked(page: Page, check: number): void {
    const { trace } = this.#options.store
    page.check = check
    if (trace !== null) trace.wrote(page)
  }

  async #writePage(page: Page, span: Span | null): Promise<void> {
    const { file } = this.#options
    const extent = withSpan(span, () => {
      const extent = this.#place(page)
      if (extent.length <= RUN_BYTES) this.#checked(page, file.checkOf(extent, page.offset))
      return extent
    })
    if (extent.length > RUN_BYTES) {
      withSpan(span, () => this.#flush())
      await this.#writeLarge(page, extent, span)
    } else {
      withSpan(span, () => this.#append(page, extent))
    }
    const { store, versions } = this.#options
    if (page.retired && page.born > versions.readUpTo) withSpan(span, () => store.clean(page))
  }

  /** Adds an extent to the run, which goes to the file first if the extent does not follow it. */
  #append({ offset, units }: Page, extent: Uint8Array): void {
    const { file, store } = this.#options
    const position = offset * file.unitBytes
    if (position !== this.#runPosition + this.#runLength || this.#runLength + extent.length > RUN_BYTES) this.#flush()
    if (this.#runLength === 0) this.#runPosition = position
    this.#run.set(extent, this.#runLength)
    this.#runLength += extent.length
    this.#savedBytes += store.contentUnits({ units }) * file.unitBytes - extent.length
  }

  /** Writes a leaf of the version before its turn. A failure is the checkpoint's, not that of the change. */
  #writeAhead(page: Page): void {
    if (this.#failure !== undefined) return
    const extent = this.#place(page)
    try {
      this.#append(page, extent)
      this.#checked(page, this.#options.file.checkOf(extent, page.offset))
    } catch (error) {
      this.#failure = typedError(error)
    }
  }

  /** Hashes and writes a long extent piece by piece. Nothing changes it meanwhile: held versions share it. */
  async #writeLarge(page: Page, extent: Uint8Array, span: Span | null): Promise<void> {
    const { file } = this.#options
    const position = page.offset * file.unitBytes
    let check = file.seedOf(page.offset)
    for (let start = 0; start < extent.length; start += CHUNK_BYTES) {
      const end = Math.min(extent.length, start + CHUNK_BYTES)
      withSpan(span, () => {
        check = file.hash(extent.subarray(start, end), check)
        file.write(extent, position + start, start, end, 'page')
      })
      await this.#turn()
    }
    withSpan(span, () => this.#checked(page, check))
  }

  #flush(): void {
    const { file } = this.#options
    if (this.#runLength > 0) {
      file.write(this.#run, this.#runPosition, 0, this.#runLength, 'page')
      file.countSaved(this.#savedBytes)
    }
    this.#runLength = this.#savedBytes = 0
  }

  async #turn(): Promise<void> {
    await this.#options.scheduler.turn()
    this.#slices.start()
  }
}

/** Whether a page is dirty and not written in this round. An empty root is not written: it stands for no tree. */
function isDue(page: Page): boolean {
  return page.dirty && page.offset === 0 && page.block!.count > 0
}

function nextDue(page: Page, from: number): number {
  const { children } = page
  if (children === undefined) return -1
  for (let slot = from; slot < children.length; slot++) {
    const child = children[slot]
    if (child?.dirty === true && child.offset === 0) return slot
  }
  return -1
}
