import { logName } from '../../engine/durable/log-names.js'
import { tableName } from '../../lsm/file-names.js'
import { decodeVersionEdit, type WholeLog } from '../../lsm/versions/version-edit.js'
import { Version } from '../../lsm/versions/version.js'
import { CorruptionError } from '../../errors.js'
import { readEdit } from './edit-spans.js'
import type { Decoder, FileContext, PartRange } from '../inspected-file.js'
import { FramedFile } from '../log-file.js'
import { counted, showBytes } from '../show-bytes.js'
import type { Fact, Outline, Span } from '../span.js'

/** A manifest: its records are version edits, which add up to the current version. */
export class ManifestDecoder implements Decoder {
  readonly title = 'manifest'
  readonly selections = []
  readonly #framed: FramedFile
  readonly #preview: number
  readonly #logs = new Set<number>()
  readonly #wholeLogs = new Map<number, WholeLog>()
  #version = new Version()
  #nextFile = 0
  #lastSequence = 0
  #firstLog = 0

  constructor(context: FileContext) {
    const { preview } = context
    this.#preview = preview
    this.#framed = new FramedFile(context, {
      name: 'a version edit',
      read: payload => readEdit(payload, preview),
      take: (payload, offset) => this.#apply(payload, offset),
    })
  }

  /** The version after the edits that were read so far. */
  get version(): Version {
    return this.#version
  }

  get number(): number {
    return this.#framed.number
  }

  get firstLog(): number {
    return this.#firstLog
  }

  /** Logs that must exist. */
  get liveLogs(): readonly number[] {
    return [...this.#logs].filter(log => log >= this.#firstLog).sort((a, b) => a - b)
  }

  parts(range: PartRange): Generator<Span> {
    return this.#framed.parts(range)
  }

  facts(): readonly Fact[] {
    const whole = [...this.#wholeLogs.keys()].filter(log => log >= this.#firstLog)
    const named = [...new Set([...this.liveLogs, ...whole])].sort((a, b) => a - b)
    const live = named.map(log => {
      const whole = this.#wholeLogs.get(log)
      return whole === undefined ? logName(log) : `${logName(log)} (whole with ${counted(whole.bytes, 'byte')})`
    })
    const tables = [...this.#version.files()]
    return [
      ...this.#framed.facts(),
      { name: 'next file number', value: this.#nextFile },
      { name: 'last sequence in tables', value: this.#lastSequence },
      { name: 'first live log', value: this.#firstLog },
      { name: 'live logs', value: live.join(', ') || 'none named' },
      {
        name: 'tables',
        value: `${tables.length} (${counted(
          tables.reduce((sum, file) => sum + file.meta.fileBytes, 0),
          'byte',
        )})`,
      },
    ]
  }

  outline(): readonly Outline[] {
    return versionOutline(this.#version, this.#preview)
  }

  #apply(payload: Uint8Array, offset: number): void {
    const edit = decodeVersionEdit(payload)
    this.#nextFile = Math.max(this.#nextFile, edit.nextFile ?? 0)
    this.#lastSequence = Math.max(this.#lastSequence, edit.lastSequence ?? 0)
    this.#firstLog = Math.max(this.#firstLog, edit.firstLog ?? 0)
    for (const log of edit.logs ?? []) this.#logs.add(log)
    for (const log of edit.wholeLogs ?? []) this.#wholeLogs.set(log.number, log)
    try {
      this.#version = this.#version.apply({ deleted: edit.deleted ?? [], added: edit.added ?? [], blobs: edit.blobs })
    } catch (cause) {
      if (!(cause instanceof CorruptionError)) throw cause
      throw new CorruptionError(`${cause.message}, in the edit at byte ${offset}`, { cause })
    }
  }
}

/** Levels with their runs, newest first, and the tables of each in key order. */
export function versionOutline(version: Version, preview: number): Outline[] {
  return version.levels.flatMap((level, index) => {
    if (level.length === 0) return []
    const tables = level.reduce((sum, run) => sum + run.tables.length, 0)
    const runs = level.map(run => ({
      label: `run ${run.id}`,
      children: run.tables.map(({ meta }) => {
        const deletes = meta.tombstones + meta.rangeTombstones
        const shownDeletes = deletes === 0 ? '' : ` (${deletes} tombstones)`
        const keys = `${showBytes(meta.smallest, preview)} to ${showBytes(meta.largest, preview)}`
        const sequences = `sequence ${meta.minSequence} to ${meta.maxSequence}`
        return {
          label: `${tableName(meta.number)}  ${meta.fileBytes} bytes, ${counted(meta.entries, 'entry', 'entries')}${shownDeletes}, ${keys}, ${sequences}`,
        }
      }),
    }))
    const label = `level ${index}: ${counted(tables, 'table')} of ${counted(version.levelBytes(index), 'byte')}`
    return [{ label, children: index > 0 && runs.length === 1 ? runs[0].children : runs }]
  })
}
