/**
 * The names of the memory file system: a tree of directories, and the log of changes to it that are not yet durable.
 *
 * Invariants:
 * 1. A directory's `durable` names plus the logged changes, in order, give its `names`.
 * 2. A change is one atomic step, even a rename between directories: a power loss keeps all of it or nothing.
 * 3. Syncing a directory makes the changes that touch it durable, those made before the sync was called.
 * 4. A file that was not linked has at most one name, whichever changes a power loss keeps: of the changes to one file none becomes
 *    durable before an earlier one. The names of a linked file stay names of one file.
 */
import type { Random } from '../environment.js'
import { MemoryFile } from './memory-file.js'
import type { CrashChoice, UnsyncedPart } from './memory-file.js'
import { uniform } from '../seeded-random.js'

export type MemoryNode = MemoryFile | MemoryDirectory

export class MemoryDirectory {
  names = new Map<string, MemoryNode>()
  durable = new Map<string, MemoryNode>()
}

/** A name that disappears and one that appears: one of them for a removal or a creation, both, with the same node, for a rename. */
export interface NameChange {
  readonly removed?: NamePlace
  readonly added?: NamePlace
}

interface NamePlace {
  readonly directory: MemoryDirectory
  readonly name: string
  readonly node: MemoryNode
}

export class MemoryTree {
  readonly root = new MemoryDirectory()
  #pending: NameChange[] = []

  change(change: NameChange): void {
    const { removed, added } = change
    removed?.directory.names.delete(removed.name)
    added?.directory.names.set(added.name, added.node)
    this.#pending.push(change)
  }

  async sync(directory: MemoryDirectory): Promise<void> {
    const called = changesUpTo(this.#pending, directory)
    await Promise.resolve()
    if (called.size === 0) return
    // Changes that another sync has made durable meanwhile are gone from the log.
    this.#pending = this.#pending.filter(change => {
      if (!called.has(change)) return true
      applyDurably(change)
      return false
    })
  }

  /** The tree as a power loss leaves it, all of it durable. */
  crashed(choice: CrashChoice): MemoryTree {
    const image = new Map<MemoryDirectory, Map<string, MemoryNode>>()
    const changes =
      typeof choice === 'string'
        ? choice === 'all'
          ? this.#pending
          : []
        : 'kept' in choice
          ? inOrder(this.#pending, index => choice.kept.has(index))
          : pick(this.#pending, choice)
    for (const change of changes) applyTo(image, change)
    const tree = new MemoryTree()
    const firstParts = typeof choice === 'object' && 'kept' in choice ? this.#firstParts() : undefined
    const files = new Map<MemoryFile, MemoryFile>()
    copyDirectory(this.root, tree.root, image, file => {
      let clone = files.get(file)
      if (clone === undefined) files.set(file, (clone = file.crashed(choice, firstParts?.get(file))))
      return clone
    })
    return tree
  }

  /** What a power loss may take, in parts: the changes of names in their order, then those of each file. */
  unsynced(): UnsyncedPart[] {
    const { directories, files } = this.#reached()
    const pathOf = (place: NamePlace): string => `${directories.get(place.directory) ?? ''}/${place.name}`
    const names = this.#pending.map(({ removed, added }): UnsyncedPart => ({
      change: 'name',
      ...(removed !== undefined && { removed: pathOf(removed) }),
      ...(added !== undefined && { added: pathOf(added) }),
    }))
    return [...names, ...[...files].flatMap(([file, path]) => file.unsynced(path))]
  }

  #firstParts(): Map<MemoryFile, number> {
    let next = this.#pending.length
    return new Map(
      [...this.#reached().files].map(([file, path]) => {
        const first = next
        next += file.unsynced(path).length
        return [file, first]
      }),
    )
  }

  /** Everything that has a name, or may have one after a power loss, with its path: the present one, if there is one. In the order of the names. */
  #reached(): { readonly directories: Map<MemoryDirectory, string>; readonly files: Map<MemoryFile, string> } {
    const directories = new Map<MemoryDirectory, string>()
    const files = new Map<MemoryFile, string>()
    const reach = (directory: MemoryDirectory, path: string, namesOf: (directory: MemoryDirectory) => [string, MemoryNode][]): void => {
      directories.set(directory, directories.get(directory) ?? path)
      for (const [name, node] of namesOf(directory).sort(byName)) {
        if (node instanceof MemoryDirectory) reach(node, `${path}/${name}`, namesOf)
        else if (!files.has(node)) files.set(node, `${path}/${name}`)
      }
    }
    reach(this.root, '', directory => [...directory.names])
    reach(this.root, '', directory => [...directory.names, ...directory.durable, ...placesIn(this.#pending, directory)])
    return { directories, files }
  }
}

function touches(change: NameChange, directory: MemoryDirectory): boolean {
  return change.removed?.directory === directory || change.added?.directory === directory
}

/** The changes that syncing the directory makes durable: those that touch it, and earlier ones to the same files elsewhere. */
function changesUpTo(changes: readonly NameChange[], directory: MemoryDirectory): Set<NameChange> {
  const called = new Set<NameChange>()
  const nodes = new Set<MemoryNode | undefined>()
  for (let index = changes.length - 1; index >= 0; index--) {
    const change = changes[index]
    if (!touches(change, directory) && !nodes.has(nodeOf(change))) continue
    called.add(change)
    nodes.add(nodeOf(change))
  }
  return called
}

function nodeOf(change: NameChange): MemoryNode | undefined {
  return (change.removed ?? change.added)?.node
}

function applyDurably(change: NameChange): void {
  const { removed, added } = change
  if (removed !== undefined) deleteName(removed.directory.durable, removed)
  added?.directory.durable.set(added.name, added.node)
}

function applyTo(image: Map<MemoryDirectory, Map<string, MemoryNode>>, change: NameChange): void {
  const { removed, added } = change
  if (removed !== undefined) deleteName(imageOf(image, removed.directory), removed)
  if (added === undefined) return
  imageOf(image, added.directory).set(added.name, added.node)
}

/** Removes a name, unless another file has taken it meanwhile (because an earlier change was lost). */
function deleteName(names: Map<string, MemoryNode>, place: NamePlace): void {
  if (names.get(place.name) === place.node) names.delete(place.name)
}

function imageOf(image: Map<MemoryDirectory, Map<string, MemoryNode>>, directory: MemoryDirectory): Map<string, MemoryNode> {
  let names = image.get(directory)
  if (names === undefined) image.set(directory, (names = new Map(directory.durable)))
  return names
}

/** The names that pending changes add in a directory. */
function placesIn(changes: readonly NameChange[], directory: MemoryDirectory): [string, MemoryNode][] {
  return changes.flatMap(({ added }): [string, MemoryNode][] => (added?.directory === directory ? [[added.name, added.node]] : []))
}

/** The chosen changes, without those of a file of which an earlier one was not chosen. */
function inOrder(changes: readonly NameChange[], isChosen: (index: number) => boolean): NameChange[] {
  const ended = new Set<MemoryNode | undefined>()
  return changes.filter((change, index) => {
    const node = nodeOf(change)
    if (!ended.has(node) && isChosen(index)) return true
    ended.add(node)
    return false
  })
}

/** Mostly, each directory got a prefix of its changes, as a journal keeps their order; sometimes any of them. */
function pick(changes: readonly NameChange[], random: Random): NameChange[] {
  const isOrdered = uniform(random, 4) !== 0
  const keepPercent = isOrdered ? 20 + uniform(random, 80) : 50
  const ended = new Set<MemoryDirectory | MemoryNode | undefined>()
  return changes.filter(change => {
    const node = nodeOf(change)
    const directories = [change.removed?.directory, change.added?.directory]
    const isCut = ended.has(node) || (isOrdered && directories.some(directory => directory !== undefined && ended.has(directory)))
    if (!isCut && uniform(random, 100) < keepPercent) return true
    ended.add(node)
    if (isOrdered) for (const directory of directories) ended.add(directory)
    return false
  })
}

function copyDirectory(
  from: MemoryDirectory,
  to: MemoryDirectory,
  image: Map<MemoryDirectory, Map<string, MemoryNode>>,
  cloneOf: (file: MemoryFile) => MemoryFile,
): void {
  // In name order, so that the same seed gives the same result.
  for (const [name, node] of [...imageOf(image, from)].sort(byName)) {
    let clone: MemoryNode
    if (node instanceof MemoryFile) clone = cloneOf(node)
    else {
      clone = new MemoryDirectory()
      copyDirectory(node, clone, image, cloneOf)
    }
    to.names.set(name, clone)
  }
  to.durable = new Map(to.names)
}

function byName([a]: [string, MemoryNode], [b]: [string, MemoryNode]): number {
  return a < b ? -1 : a > b ? 1 : 0
}
