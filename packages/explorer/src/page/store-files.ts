/** The files of a store: from the page's own server, from a drop, or chosen by the reader. */
import { ExplorerError } from '../run/explorer-error.js'
import type { StoredFile } from '../run/stored-files.js'

/** Where `kvarium explore DIR` serves the files. */
const SERVED = 'store/'

export async function servedFiles(): Promise<readonly StoredFile[]> {
  const listed = await fetched(SERVED)
  const names = (await listed.json()) as readonly string[]
  return Promise.all(names.map(async name => ({ name, contents: await (await fetched(SERVED + encodeURIComponent(name))).blob() })))
}

async function fetched(address: string): Promise<Response> {
  const response = await fetch(address)
  if (!response.ok) throw new ExplorerError('KVARIUM_INVALID_FILES', `The files of the store cannot be read: ${await response.text()}`)
  return response
}

/** The files of an input; of a directory those that lie in it directly. */
export function chosenFiles(files: FileList): readonly StoredFile[] {
  return [...files]
    .filter(({ webkitRelativePath }) => webkitRelativePath.split('/').length <= 2)
    .map(file => ({ name: file.name, contents: file }))
}

/** Dropped files, and those that lie directly in dropped directories. To be called while the drop is handled. */
export function droppedFiles(items: DataTransferItemList): Promise<readonly StoredFile[]> {
  const dropped = [...items].map((item): Promise<readonly StoredFile[]> => {
    const entry = item.webkitGetAsEntry()
    if (entry !== null) return filesOf(entry)
    // What comes from no directory, as from another page.
    const file = item.getAsFile()
    return Promise.resolve(file === null ? [] : [{ name: file.name, contents: file }])
  })
  return Promise.all(dropped).then(files => files.flat())
}

async function filesOf(entry: FileSystemEntry): Promise<readonly StoredFile[]> {
  if (isFile(entry)) return [await storedFile(entry)]
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const files: StoredFile[] = []
  for (;;) {
    // A reader gives a part of them at a time.
    const entries = await new Promise<readonly FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (entries.length === 0) return files
    files.push(...(await Promise.all(entries.filter(isFile).map(storedFile))))
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile
}

async function storedFile(entry: FileSystemFileEntry): Promise<StoredFile> {
  return { name: entry.name, contents: await new Promise<Blob>((resolve, reject) => entry.file(resolve, reject)) }
}
