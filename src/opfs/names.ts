/**
 * The names of a `SlotFileSystem`: a tree of directories and files, and the changes of it, as they are in the log. A file is the number of the slot
 * that has its bytes.
 */
import { CorruptionError } from '../errors.js'
import { findPlace, type NamePlace } from '../vfs/path-names.js'

export class NamedFile {
  readonly slot: number
  /** Names that it has. */
  links = 0
  /** Handles that are open. */
  handles = 0

  constructor(slot: number) {
    this.slot = slot
  }
}

export class NamedDirectory {
  readonly names = new Map<string, NamedFile | NamedDirectory>()
}

/** One change, with absolute paths. */
export type NameChange =
  | readonly [kind: 'create', path: string, slot: number]
  | readonly [kind: 'rename' | 'link', from: string, to: string]
  | readonly [kind: 'remove' | 'makeDirectory' | 'removeDirectory', path: string]

/** All names as plain JSON. A linked file has one slot under several paths. */
export interface NamesImage {
  readonly directories: readonly string[]
  readonly files: readonly (readonly [path: string, slot: number])[]
}

/** Where a path leads. */
type Place = NamePlace<NamedFile, NamedDirectory>

export class Names {
  readonly root = new NamedDirectory()

  static of(image: NamesImage): Names {
    const names = new Names()
    for (const path of image.directories) names.apply(['makeDirectory', path])
    const files = new Map<number, NamedFile>()
    for (const [path, slot] of image.files) {
      let file = files.get(slot)
      if (file === undefined) files.set(slot, (file = new NamedFile(slot)))
      names.#give(names.#free(path), file)
    }
    return names
  }

  image(): NamesImage {
    const directories: string[] = []
    const files: [string, number][] = []
    const collect = (directory: NamedDirectory, path: string): void => {
      for (const [name, node] of directory.names) {
        const child = `${path}/${name}`
        if (node instanceof NamedFile) files.push([child, node.slot])
        else {
          directories.push(child)
          collect(node, child)
        }
      }
    }
    collect(this.root, '')
    return { directories, files }
  }

  /** The slots that have a name. */
  slots(): Set<number> {
    return new Set(this.image().files.map(([, slot]) => slot))
  }

  /** Throws `ENOENT` or `ENOTDIR` where a directory above the path is missing. */
  find(operation: string, path: string): Place {
    return findPlace(this.root, (node): node is NamedFile => node instanceof NamedFile, operation, path)
  }

  /**
   * Makes a change that is possible. Returns the file that has lost its last name by it. Throws a CorruptionError for a change that is not possible
   * in these names.
   */
  apply(change: NameChange): NamedFile | undefined {
    const [kind, path, argument] = change
    switch (kind) {
      case 'create':
        this.#give(this.#free(path), new NamedFile(argument))
        return undefined
      case 'link':
        this.#give(this.#free(argument), this.#file(path).node)
        return undefined
      case 'rename': {
        const from = this.#file(path)
        const to = this.find(kind, argument)
        if (to.node instanceof NamedDirectory) throw this.#impossible(argument)
        from.parent.names.delete(from.name)
        to.parent.names.set(to.name, from.node)
        return to.node === undefined ? undefined : this.#unnamed(to.node)
      }
      case 'remove': {
        const { parent, name, node } = this.#file(path)
        parent.names.delete(name)
        return this.#unnamed(node)
      }
      case 'makeDirectory': {
        const { parent, name } = this.#free(path)
        parent.names.set(name, new NamedDirectory())
        return undefined
      }
      case 'removeDirectory': {
        const { parent, name, node } = this.find(kind, path)
        if (!(node instanceof NamedDirectory) || node.names.size > 0) throw this.#impossible(path)
        parent.names.delete(name)
        return undefined
      }
      default:
        throw new CorruptionError(`The log of names has a change of the kind ${JSON.stringify(kind)}, which is not known`)
    }
  }

  #give({ parent, name }: Place, file: NamedFile): void {
    parent.names.set(name, file)
    file.links++
  }

  #unnamed(file: NamedFile): NamedFile | undefined {
    file.links--
    return file.links === 0 ? file : undefined
  }

  #free(path: string): Place {
    const place = this.find('apply', path)
    if (place.node !== undefined) throw this.#impossible(path)
    return place
  }

  #file(path: string): Place & { readonly node: NamedFile } {
    const { parent, name, node } = this.find('apply', path)
    if (!(node instanceof NamedFile)) throw this.#impossible(path)
    return { parent, name, node }
  }

  #impossible(path: string): CorruptionError {
    return new CorruptionError(`The log of names has a change of ${path} that its earlier changes do not admit`)
  }
}
