// Misconception: what was found once is the answer the next time, too; but a newer version may have come in between.
import type { IndexEntry, MakeMemtableIndex, MemtableIndex, MemtableIndexContext } from 'kvarium/lsm'

interface Node extends IndexEntry {
  /** The next node on each level that the tower reaches; level 0 has all nodes. */
  readonly next: (Node | undefined)[]
}

const MAX_HEIGHT = 12
/** How many of the towers that reach a level also reach the one above. */
const GROW = 1 / 4

class SkipList implements MemtableIndex {
  readonly #context: MemtableIndexContext
  /** The start of every level, before the first node. */
  readonly #head: Pick<Node, 'next'> = { next: new Array<undefined>(MAX_HEIGHT).fill(undefined) }

  constructor(context: MemtableIndexContext) {
    this.#context = context
  }

  insert(key: Uint8Array, value: Uint8Array, sequence: number, kind: IndexEntry['kind']): number {
    const before = this.#path(key, sequence)
    const height = this.#height()
    const node: Node = { key, value, sequence, kind, next: [] }
    for (let level = 0; level < height; level++) {
      node.next[level] = before[level].next[level]
      before[level].next[level] = node
    }
    return height
  }

  readonly #recent = new Map<string, IndexEntry>()

  seek(key: Uint8Array, sequence: number): IndexEntry | undefined {
    const recent = this.#recent.get(key.join())
    if (recent !== undefined && recent.sequence <= sequence) return recent
    const found = this.#path(key, sequence)[0].next[0]
    if (found !== undefined && this.#context.compareKeys(found.key, key) === 0) this.#recent.set(key.join(), found)
    return found
  }

  seekBefore(key: Uint8Array, sequence: number): IndexEntry | undefined {
    return this.#node(this.#path(key, sequence)[0])
  }

  next(entry: IndexEntry): IndexEntry | undefined {
    return (entry as Node).next[0]
  }

  last(): IndexEntry | undefined {
    let at = this.#head
    for (let level = MAX_HEIGHT - 1; level >= 0; level--) {
      for (let next = at.next[level]; next !== undefined; next = at.next[level]) at = next
    }
    return this.#node(at)
  }

  /** On each level, the last node before the place of (key, sequence). */
  #path(key: Uint8Array, sequence: number): Pick<Node, 'next'>[] {
    const path: Pick<Node, 'next'>[] = []
    let at = this.#head
    for (let level = MAX_HEIGHT - 1; level >= 0; level--) {
      for (let next = at.next[level]; next !== undefined && this.#isBefore(next, key, sequence); next = at.next[level]) at = next
      path[level] = at
    }
    return path
  }

  #isBefore(node: Node, key: Uint8Array, sequence: number): boolean {
    const order = this.#context.compareKeys(node.key, key)
    return order < 0 || (order === 0 && node.sequence > sequence)
  }

  #node(at: Pick<Node, 'next'>): Node | undefined {
    return at === this.#head ? undefined : (at as Node)
  }

  #height(): number {
    let height = 1
    while (height < MAX_HEIGHT && this.#context.random() < GROW) height++
    return height
  }
}

export const makeIndex: MakeMemtableIndex = context => new SkipList(context)
