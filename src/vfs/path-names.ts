import { FileSystemError } from './vfs-error.js'

/** The names of a path from the root on, for file systems without a current directory: relative paths start at the root. */
export function pathNames(path: string): string[] {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return names
}

/** Where a path leads in a tree of names. */
export interface NamePlace<File, Directory> {
  readonly parent: Directory
  /** Empty for the root. */
  readonly name: string
  readonly node: File | Directory | undefined
}

/** Throws `ENOENT` or `ENOTDIR` where a directory above the path is missing. */
export function findPlace<File, Directory extends { readonly names: ReadonlyMap<string, File | Directory> }>(
  root: Directory,
  isFile: (node: File | Directory) => node is File,
  operation: string,
  path: string,
): NamePlace<File, Directory> {
  let parent = root
  const names = pathNames(path)
  const last = names.pop()
  if (last === undefined) return { parent, name: '', node: parent }
  for (const name of names) {
    const node = parent.names.get(name)
    if (node === undefined) throw new FileSystemError('ENOENT', { operation, path })
    if (isFile(node)) throw new FileSystemError('ENOTDIR', { operation, path })
    parent = node
  }
  return { parent, name: last, node: parent.names.get(last) }
}
