/** Files that no event has made, as events. */
import type { EventBody, TraceEvent } from 'kvarium/trace'
import { joinPath, type MemoryFileSystem } from 'kvarium/vfs'
import { LOCATION } from './lane.js'

/** The files as if they had been written and synced before the first event of a lane. */
export function eventsBefore(fileSystem: MemoryFileSystem): readonly TraceEvent[] {
  const stamp = { sequence: 0, operation: 0, job: 0, atMs: 0 }
  const bodies = fileSystem.list(LOCATION).flatMap((file): readonly EventBody[] => {
    const bytes = contentsOf(fileSystem, file)
    return [
      { type: 'file.create', file },
      { type: 'file.write', file, offset: 0, length: bytes.length, part: 'meta', bytes },
      { type: 'file.sync', file },
    ]
  })
  return [...bodies, { type: 'directory.sync' as const, directory: LOCATION }].map(body => ({ ...body, ...stamp }))
}

function contentsOf(fileSystem: MemoryFileSystem, name: string): Uint8Array {
  const handle = fileSystem.openRead(joinPath(LOCATION, name))
  try {
    const bytes = new Uint8Array(handle.size())
    handle.read(bytes, 0)
    return bytes
  } finally {
    handle.close()
  }
}
