/** The versions of a key in the logs of a lane, and what the traces of keys have in common. */
import { compareKeys, loadHash32 } from 'kvarium/codec'
import { BatchReader, KIND_DELETE, KIND_DELETE_RANGE, KIND_PUT, parseLogName, type EntryKind } from 'kvarium/engine'
import { showBytes } from 'kvarium/inspect'
import type { RebuiltFile } from 'kvarium/observe'
import { MemoryFileSystem, type FileHandle } from 'kvarium/vfs'
import { LogReader } from 'kvarium/wal'
import type { KeyPlace } from './key-place.js'

/** Bytes of a value that are shown. */
const SHOWN_BYTES = 40

export interface LogVersion {
  readonly log: string
  readonly sequence: number
  readonly kind: KeyPlace['kind']
  readonly valueBytes: number
  readonly value?: string
  /** That of the frame, with its header. */
  readonly offset: number
  readonly length: number
}

/** Newest first. A log is read up to where recovery would stop. */
export async function versionsInLogs(logs: readonly RebuiltFile[], key: Uint8Array): Promise<readonly LogVersion[]> {
  const hash32 = await loadHash32()
  const versions: LogVersion[] = []
  const batch = new BatchReader()
  for (const log of logs) {
    const reader = new LogReader({ file: openRebuilt(log), logNumber: parseLogName(log.name)!, hash32 })
    try {
      reader.replay((payload, offset, base) => {
        batch.reset(payload, 0, payload.length)
        while (batch.next()) {
          const isRange = batch.kind === KIND_DELETE_RANGE
          const first = batch.key.copy()
          const value = batch.value.copy()
          if (isRange ? compareKeys(first, key) > 0 || compareKeys(key, value) > 0 : compareKeys(first, key) !== 0) continue
          const shown = batch.kind === KIND_PUT ? { value: shownValue(value) } : {}
          const place = { offset, length: base + payload.length - offset }
          versions.push({ log: log.name, sequence: batch.sequence, ...place, ...shown, ...kindOf(batch.kind, value.length) })
        }
      })
    } catch {
      // What is behind damage, or written only in part, no recovery reads.
    }
  }
  return versions.sort((a, b) => b.sequence - a.sequence)
}

export function kindOf(kind: EntryKind, valueBytes: number): { readonly kind: KeyPlace['kind']; readonly valueBytes: number } {
  if (kind === KIND_DELETE) return { kind: 'tombstone', valueBytes: 0 }
  if (kind === KIND_DELETE_RANGE) return { kind: 'range tombstone', valueBytes: 0 }
  return { kind: kind === KIND_PUT ? 'value' : 'expiring value', valueBytes }
}

export function placeInLog({ log, offset, length, ...version }: LogVersion, why: string): KeyPlace {
  return { in: 'log', name: `${log}, frame at offset ${offset}`, ...version, bytes: { file: log, offset, length }, why }
}

/** A value: in quotes where it is text, in hexadecimal digits elsewhere; of a long one the beginning, and its length. */
export function shownValue(value: Uint8Array): string {
  return showBytes(value, SHOWN_BYTES)
}

/** A rebuilt file, open for reading. */
export function openRebuilt({ name, bytes }: RebuiltFile): FileHandle {
  const fileSystem = new MemoryFileSystem()
  const handle = fileSystem.create(`/${name}`)
  handle.write(bytes, 0)
  handle.close()
  return fileSystem.openRead(`/${name}`)
}
