/**
 * The slots of a `SlotFileSystem`: files that are open, each for one named file or spare.
 *
 * Invariants:
 * 1. A spare slot is empty, durably. So a new file never shows bytes of the one that had the slot before it.
 * 2. Spare slots are opened and emptied in the background: `take` never waits. `ready` does.
 */
import { CorruptionError } from '../errors.js'
import { FileSystemError } from '../vfs/vfs-error.js'
import type { SlotFile, SlotFiles } from './slot-files.js'

const SLOT = /^slot-(\d+)$/
/** Files opened at a time. */
const OPENED_TOGETHER = 8

export const slotName = (slot: number): string => `slot-${slot}`

/** The numbers of the slots among the names of files. */
export function slotsAmong(names: readonly string[]): number[] {
  return names.flatMap(name => SLOT.exec(name)?.slice(1) ?? []).map(Number)
}

export class SlotPool {
  readonly #files: SlotFiles
  readonly #open = new Map<number, SlotFile>()
  readonly #spares: number[] = []
  /** How many spare slots there are at rest. */
  readonly #wanted: number
  /** Slots that were there when the pool was opened, without a name. */
  readonly #leftovers: number[]
  /** Slots that are being emptied. */
  #cleaning = 0
  #next: number
  #background: Promise<void> = Promise.resolve()
  #isFilling = false
  #isClosed = false
  /** Why the last slot could not be opened. */
  #failure: unknown

  private constructor(files: SlotFiles, found: readonly number[], used: ReadonlySet<number>, wanted: number) {
    this.#files = files
    this.#wanted = wanted
    this.#leftovers = found.filter(slot => !used.has(slot))
    this.#next = Math.max(-1, ...found, ...used) + 1
  }

  /**
   * Opens the slots that are used, and the first of the spare ones. Rejects with a CorruptionError if a used one is missing.
   * @param found - The slots that are there.
   */
  static async open(files: SlotFiles, found: readonly number[], used: ReadonlySet<number>, wanted: number): Promise<SlotPool> {
    const there = new Set(found)
    for (const slot of used) {
      if (!there.has(slot)) throw new CorruptionError('A file that has a name is missing', { file: `${files.path}/${slotName(slot)}` })
    }
    const pool = new SlotPool(files, found, used, wanted)
    try {
      await pool.#openAll([...used])
      await pool.#fillSome()
    } catch (error) {
      pool.#closeAll()
      throw error
    }
    pool.#fillInBackground()
    return pool
  }

  file(slot: number): SlotFile {
    return this.#open.get(slot)!
  }

  /** A spare slot. Throws `EAGAIN` where there is none. */
  take(path: string): number {
    const slot = this.#spares.pop()
    this.#fill()
    if (slot === undefined) throw new FileSystemError('EAGAIN', { operation: 'create', path, cause: this.#failure })
    return slot
  }

  /** Makes a slot spare, which durably has no name any more. */
  release(slot: number): void {
    this.#cleaning++
    this.#background = this.#background.then(() => this.#clean(slot))
  }

  /**
   * Resolves once at least half of the spare slots are ready, or cannot be opened. Opening one takes a turn of the event loop, which code that
   * only awaits what is done never gives.
   */
  async ready(): Promise<void> {
    if (this.#spares.length < this.#wanted / 2) await this.#background
  }

  /** Resolves when no work in the background is left. */
  async settle(): Promise<void> {
    for (let last; last !== this.#background;) await (last = this.#background)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.settle()
    this.#closeAll()
  }

  #closeAll(): void {
    for (const file of this.#open.values()) file.close()
    this.#open.clear()
  }

  async #openAll(slots: readonly number[]): Promise<void> {
    for (let at = 0; at < slots.length; at += OPENED_TOGETHER) {
      await Promise.all(
        slots.slice(at, at + OPENED_TOGETHER).map(async slot => this.#open.set(slot, await this.#files.open(slotName(slot)))),
      )
    }
  }

  /** Where a slot cannot be emptied it stays out of use until the next opening. */
  async #clean(slot: number): Promise<void> {
    try {
      const file = this.#open.get(slot)!
      if (file.getSize() > 0) {
        file.truncate(0)
        await file.flush()
      }
      this.#spares.push(slot)
    } catch (error) {
      this.#failure = error
    }
    this.#cleaning--
  }

  /** Opens spare slots once half of them are used up. */
  #fill(): void {
    if (!this.#isFilling && !this.#isClosed && this.#missing() > this.#wanted / 2) this.#fillInBackground()
  }

  #fillInBackground(): void {
    this.#isFilling = true
    this.#background = this.#background.then(async () => {
      try {
        while (this.#missing() > 0 && !this.#isClosed) await this.#fillSome()
        if (!this.#isClosed) await this.#removeLeftovers()
      } catch (error) {
        this.#failure = error
      }
      this.#isFilling = false
    })
  }

  /** There are more spare slots the more files there are. */
  #missing(): number {
    const ready = this.#spares.length + this.#cleaning
    const used = this.#open.size - ready
    return Math.max(this.#wanted, used >> 2) - ready
  }

  async #fillSome(): Promise<void> {
    const count = Math.min(OPENED_TOGETHER, this.#missing())
    const slots = Array.from({ length: count }, () => this.#leftovers.pop() ?? this.#next++)
    this.#cleaning += count
    await this.#openAll(slots).catch((error: unknown) => {
      this.#cleaning -= count
      throw error
    })
    for (const slot of slots) await this.#clean(slot)
  }

  async #removeLeftovers(): Promise<void> {
    for (let slot = this.#leftovers.pop(); slot !== undefined; slot = this.#leftovers.pop()) await this.#files.remove(slotName(slot))
  }
}
