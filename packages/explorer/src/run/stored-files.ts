/**
 * What a reader has already: the files of a store, as what a lane begins with, or a recording. They are copied into memory: whatever the lane does,
 * they stay as they are.
 */
import { loadHash32 } from 'kvarium/codec'
import { occupancyOf } from 'kvarium/inspect'
import { parseJsonLines, visibleText } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import { joinPath, MemoryFileSystem } from 'kvarium/vfs'
import { ExplorerError } from './explorer-error.js'
import { LOCATION } from './lane.js'

/** A file by its name in the store's directory. */
export interface StoredFile {
  readonly name: string
  readonly contents: Blob
}

/** What the files of a store may have together, in bytes: a page holds them a few times in memory. */
export const MOST_BYTES = 128 << 20

/** How many files a message names that refuses them. */
const MOST_NAMES = 3

/** Files of the lock of a process. */
const LOCK = /^LOCK/

export interface StoredStore {
  readonly engine: string
  readonly fileSystem: MemoryFileSystem
}

/** Rejects with an Error that says what to do where these are not the files of one store, or too large. */
export async function readStore(files: readonly StoredFile[]): Promise<StoredStore> {
  const bytes = files.reduce((sum, { contents }) => sum + contents.size, 0)
  if (bytes > MOST_BYTES) {
    throw new ExplorerError(
      'KVARIUM_INVALID_FILES',
      `These files have ${Math.ceil(bytes / 2 ** 20)} MiB, and a page takes at most ${MOST_BYTES / 2 ** 20}: look into them with kvarium inspect`,
    )
  }
  const fileSystem = new MemoryFileSystem()
  fileSystem.makeDirectory(LOCATION)
  for (const { name, contents } of files) {
    if (LOCK.test(name)) continue
    const handle = fileSystem.create(joinPath(LOCATION, name))
    handle.write(new Uint8Array(await contents.arrayBuffer()), 0)
    handle.close()
  }
  const occupancy = occupancyOf(fileSystem, LOCATION, await loadHash32())
  if (occupancy.kind !== 'store')
    throw new ExplorerError(
      'KVARIUM_INVALID_FILES',
      `${namesOf(files)} ${files.length === 1 ? 'is' : 'are'} not the files of a store: choose all files of its directory, KVARIUM among them, or alone a recording (.jsonl) or a report (.json)`,
    )
  return { engine: occupancy.identity.engine, fileSystem: fileSystem.processCrashClone() }
}

/** The first names; a directory may have thousands of files. */
function namesOf(files: readonly StoredFile[]): string {
  const names = files.slice(0, MOST_NAMES).map(({ name }) => visibleText(name))
  return files.length > names.length ? `${names.join(', ')} and ${files.length - names.length} more` : names.join(', ')
}

/** How a recording begins. */
const RECORDING = '{"kvarium-trace":'
/** What a recording may have, in bytes: its events take several times as much. */
const MOST_RECORDED_BYTES = 32 << 20

/** The events of a recording; `undefined` where the files are something else. Rejects with an Error that names the line that is wrong. */
export async function readRecording(files: readonly StoredFile[]): Promise<readonly TraceEvent[] | undefined> {
  const [file, ...others] = files
  if (file === undefined || others.length > 0 || (await file.contents.slice(0, RECORDING.length).text()) !== RECORDING) return undefined
  if (file.contents.size > MOST_RECORDED_BYTES) {
    throw new ExplorerError(
      'KVARIUM_INVALID_FILES',
      `${visibleText(file.name)} has ${Math.ceil(file.contents.size / 2 ** 20)} MiB, and a page takes at most ${MOST_RECORDED_BYTES / 2 ** 20}: keep its first line, which says what it is, and of the others the first or the last ones`,
    )
  }
  const text = await file.contents.text()
  try {
    return parseJsonLines(text)
  } catch (error) {
    throw new ExplorerError(
      'KVARIUM_INVALID_FILES',
      `${visibleText(file.name)} is damaged. ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}
