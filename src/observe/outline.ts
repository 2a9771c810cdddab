/**
 * What has to be known of the events before to go on with the next one: an opening of the store in a few events, as if it were opened now.
 * It knows which engine it is with which options, the tables of an LSM tree, and of a B+tree the counts and the pages that events have named.
 *
 * Invariant: it is bounded by the tables of the store, and for pages, units and the cache by `TreeOutline`.
 */
import { TreeOutline } from './tree-outline.js'
import type { EventBody, EventOf, TracedBlob, TracedTable, TraceEvent } from '../trace/events.js'

export class Outline {
  #opening: EventOf<'engine.open'> | undefined
  readonly #tree = new TreeOutline()
  #manifest: number | undefined
  readonly #tables = new Map<number, TracedTable>()
  /** Blob files, of which those are in use that a table refers to. */
  #blobs: readonly TracedBlob[] = []

  apply(event: TraceEvent): void {
    this.#tree.apply(event)
    switch (event.type) {
      case 'job.begin':
        if (event.kind === 'open') this.#begin()
        break
      case 'engine.open':
        this.#opening = event
        break
      case 'manifest.read':
        this.#manifest = event.manifest
        this.#tables.clear()
        this.#blobs = event.blobs ?? []
        this.#add(event.tables)
        break
      case 'manifest.edit':
        this.#manifest = event.manifest
        if (event.whole) this.#tables.clear()
        for (const table of event.deleted) this.#tables.delete(table)
        this.#add(event.added)
        if (event.whole || event.blobs !== undefined || this.#blobs.length > 0) {
          this.#blobs = this.#inUse([...(event.whole ? [] : this.#blobs), ...(event.blobs ?? [])])
        }
        break
      default:
        break
    }
  }

  /** The opening. Its events have the sequence number 0. */
  events(): readonly TraceEvent[] {
    const tables = [...this.#tables.values()]
    const blobs = this.#inUse(this.#blobs)
    const bodies: readonly EventBody[] = [
      { type: 'job.begin', kind: 'open', reason: 'the events before are not known' },
      ...(this.#manifest === undefined
        ? []
        : [{ type: 'manifest.read', manifest: this.#manifest, tables, ...(blobs.length > 0 && { blobs }) } as const]),
      ...this.#tree.events(),
      ...(this.#opening === undefined ? [] : [this.#opening]),
      { type: 'job.end', kind: 'open', status: 'ok', bytesRead: 0, bytesWritten: 0 },
    ]
    return bodies.map(body => ({ atMs: 0, ...body, sequence: 0, operation: 0, job: 0 }))
  }

  #inUse(blobs: readonly TracedBlob[]): readonly TracedBlob[] {
    const used = new Set([...this.#tables.values()].flatMap(({ blobs: files = [] }) => files.map(([file]) => file)))
    return blobs.filter(({ number }) => used.has(number))
  }

  #begin(): void {
    this.#opening = this.#manifest = undefined
    this.#tables.clear()
  }

  #add(tables: readonly TracedTable[]): void {
    for (const table of tables) this.#tables.set(table.number, table)
  }
}
