import type { IndexEntry, MakeMemtableIndex } from '../../../src/lsm/index.js'

type Node = IndexEntry & { readonly next: (Node | null)[] }

/** A right solution that is unlike the reference: half of the towers grow on, one draw a tower, levels as they come, and its end is known. */
export const makeIndex: MakeMemtableIndex = ({ random, compareKeys }) => {
  const first: (Node | null)[] = [null]
  let tail: Node | null = null

  const nextOf = (node: Node | null): (Node | null)[] => node?.next ?? first

  const before = (key: Uint8Array, sequence: number): (Node | null)[] => {
    const path: (Node | null)[] = []
    let at: Node | null = null
    for (let level = first.length - 1; level >= 0; level--) {
      for (let next: Node | null = nextOf(at)[level]; next !== null; next = nextOf(at)[level]) {
        if ((compareKeys(next.key, key) || sequence - next.sequence) >= 0) break
        at = next
      }
      path[level] = at
    }
    return path
  }

  return {
    insert(key, value, sequence, kind) {
      const height = 1 + Math.min(15, Math.floor(-Math.log2(1 - random())))
      while (first.length < height) first.push(null)
      const path = before(key, sequence)
      const node: Node = { key, value, sequence, kind, next: [] }
      for (let level = 0; level < height; level++) {
        const next = nextOf(path[level])
        node.next[level] = next[level]
        next[level] = node
      }
      if (node.next[0] === null) tail = node
      return height
    },
    seek: (key, sequence) => nextOf(before(key, sequence)[0])[0] ?? undefined,
    seekBefore: (key, sequence) => before(key, sequence)[0] ?? undefined,
    next: entry => (entry as Node).next[0] ?? undefined,
    last: () => tail ?? undefined,
  }
}
