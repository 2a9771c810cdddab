/**
 * What events say of one file, or of some of its bytes: who wrote it and why, since when it is durable, and what became of it.
 *
 * Invariants:
 * 1. A file keeps its history when it is renamed. Another file of the same name has another one.
 */
import type { EventOf, TraceEvent } from 'kvarium/trace'
import { atMoment, counted, number, type Named } from './named.js'

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/** One file, through all of its names. */
export interface FileStory {
  /** What changes or reads it, in order. */
  readonly told: Named[]
  /** Since which position it has each name that it ever had. */
  readonly since: Map<string, number>
  /** The syncs of directories that made its last name durable, the first of them for each name. */
  readonly nameSyncs: Named[]
  end?: Named
}

/** The files of a lane, by the events that name them. */
export class FileStories {
  readonly #present = new Map<string, FileStory>()
  readonly #all: FileStory[] = []
  readonly #unsynced = new Set<FileStory>()

  take(named: Named): void {
    const { event } = named
    switch (event.type) {
      case 'file.create':
        this.#end(event.file, named)
        this.#make(event.file, named).told.push(named)
        break
      case 'file.rename': {
        const story = this.#of(event.from, named)
        this.#end(event.to, named)
        this.#present.delete(event.from)
        this.#name(story, event.to, named)
        story.told.push(named)
        break
      }
      case 'file.link': {
        const story = this.#of(event.file, named)
        this.#name(story, event.name, named)
        story.told.push(named)
        break
      }
      case 'file.remove': {
        const story = this.#of(event.file, named)
        this.#present.delete(event.file)
        story.told.push(named)
        if (![...this.#present.values()].includes(story)) story.end = named
        break
      }
      case 'file.open':
      case 'file.read':
      case 'file.write':
      case 'file.truncate':
      case 'file.sync':
      case 'file.close':
        this.#of(event.file, named).told.push(named)
        break
      case 'directory.sync':
        for (const story of this.#unsynced) story.nameSyncs.push(named)
        this.#unsynced.clear()
        break
      default:
        break
    }
  }

  /** All files that ever had the name, in the order in which they got it. */
  named(file: string): readonly FileStory[] {
    return this.#all.filter(({ since }) => since.has(file)).sort((a, b) => a.since.get(file)! - b.since.get(file)!)
  }

  #of(file: string, named: Named): FileStory {
    return this.#present.get(file) ?? this.#make(file, named)
  }

  #make(file: string, named: Named): FileStory {
    const story: FileStory = { told: [], since: new Map(), nameSyncs: [] }
    this.#all.push(story)
    this.#name(story, file, named, named.event.type === 'file.create')
    return story
  }

  #name(story: FileStory, file: string, { position }: Named, isChange = true): void {
    story.since.set(file, position)
    this.#present.set(file, story)
    if (isChange) this.#unsynced.add(story)
  }

  /** The name is about to be another file's. */
  #end(file: string, named: Named): void {
    const story = this.#present.get(file)
    if (story === undefined) return
    story.told.push(named)
    story.end = named
    this.#present.delete(file)
  }
}

/** The file that has the name at a position, or had it last, or gets it first. */
export function storyAt(stories: readonly FileStory[], file: string, position: number): FileStory | undefined {
  return stories.findLast(({ since }) => since.get(file)! <= position) ?? stories[0]
}

/** Whether the event is about these bytes: reads and writes of others are not. */
export function touches({ event }: Named, { offset, length }: ByteRange): boolean {
  if (event.type === 'file.truncate') return event.size < offset + length
  if (event.type !== 'file.write' && event.type !== 'file.read') return true
  return event.offset < offset + length && event.offset + event.length > offset
}

/** The history of a file in short, as seen from a position. */
export function fileSummary(story: FileStory, file: string, position: number): readonly string[] {
  const said = [madeBy(story, position)]
  const renamed = story.told.find(({ event }) => event.type === 'file.rename' && event.to === file)
  if (renamed !== undefined) said.push(`Renamed to ${file} by ${renamed.by} ${atMoment(renamed, position)}.`)
  const writes = story.told.filter(isWrite)
  const before = writes.filter(write => write.position <= position)
  const last = before.at(-1)
  if (last === undefined)
    said.push(writes.length === 0 ? 'No moment writes to it.' : `First written by ${writes[0].by} ${atMoment(writes[0], position)}.`)
  else {
    said.push(
      before.length === 1
        ? `Written once, by ${last.by} ${atMoment(last, position)}.`
        : `Written ${number(before.length)} times so far, last by ${last.by} ${atMoment(last, position)}.`,
      durability(story, last, position, 'What has been written so far'),
    )
  }
  return [...said, ...nameDurability(story, position), becameOf(story, position)]
}

/** The history of bytes of a file in short, as seen from a position. */
export function bytesSummary(story: FileStory, range: ByteRange, position: number): readonly string[] {
  const touching = story.told.filter(named => touches(named, range))
  const changes = touching.filter(named => isWrite(named) || named.event.type === 'file.truncate')
  const before = changes.filter(change => change.position <= position)
  const later = changes.find(change => change.position > position)
  const { writers, rest } = writersOf(before.filter(isChange), range)
  const said: string[] = []
  if (writers.length === 1) {
    const { event } = writers[0]
    said.push(
      `Written by ${writers[0].by} ${atMoment(writers[0], position)}, with the ${counted(event.length, 'byte')} from offset ${number(event.offset)}, counted as ${event.part}.`,
    )
  } else if (writers.length > 1) {
    const last = writers.at(-1)!
    said.push(`Written by ${number(writers.length)} writes, the last by ${last.by} ${atMoment(last, position)}.`)
  }
  if (rest > 0) {
    const which = rest === range.length ? (rest === 1 ? 'It' : 'They') : counted(rest, 'byte')
    said.push(
      isMadeHere(story)
        ? `${which} ${rest === 1 ? 'has' : 'have'} not been written at this moment.`
        : `${which} ${rest === 1 ? 'was' : 'were'} in the file before the first moment.`,
    )
  }
  const over = before.filter(change => isWrite(change) && !writers.some(writer => writer.position === change.position))
  const replaced = over.at(-1)
  if (replaced !== undefined && writers.length > 0) {
    said.push(
      `${over.length === 1 ? 'An earlier write' : `${number(over.length)} earlier writes`} here ${over.length === 1 ? 'is' : 'are'} written over, the last ${atMoment(replaced, position)}.`,
    )
  }
  const newest = writers.at(-1)
  if (newest !== undefined) said.push(durability(story, newest, position, range.length === 1 ? 'The byte' : 'The range'))
  if (later !== undefined) {
    const how = isWrite(later) ? (writers.length === 0 ? 'Written' : 'Written over') : 'Cut off'
    said.push(`${how} by ${later.by} ${atMoment(later, position)}.`)
  }
  return [...said, becameOf(story, position)]
}

type Written = Named<EventOf<'file.write'>>
type Changed = Written | Named<EventOf<'file.truncate'>>

function isWrite(named: Named): named is Written {
  return named.event.type === 'file.write'
}

function isChange(named: Named): named is Changed {
  return isWrite(named) || named.event.type === 'file.truncate'
}

/** The writes that bytes have come from, in order, and how many bytes come from none. */
function writersOf(
  changes: readonly Changed[],
  { offset, length }: ByteRange,
): { readonly writers: readonly Written[]; readonly rest: number } {
  let open: (readonly [from: number, to: number])[] = [[offset, offset + length]]
  let cut = 0
  const writers: Written[] = []
  for (const change of changes.toReversed()) {
    if (open.length === 0) break
    const { event } = change
    const [from, to] = event.type === 'file.write' ? [event.offset, event.offset + event.length] : [event.size, Infinity]
    const taken = open.reduce((sum, [start, end]) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0)
    if (taken === 0) continue
    if (isWrite(change)) writers.unshift(change)
    else cut += taken
    open = open.flatMap(([start, end]) =>
      [[start, Math.min(end, from)] as const, [Math.max(start, to), end] as const].filter(([first, last]) => first < last),
    )
  }
  return { writers, rest: cut + open.reduce((sum, [start, end]) => sum + end - start, 0) }
}

function isMadeHere({ told }: FileStory): boolean {
  return told[0]?.event.type === 'file.create'
}

function madeBy(story: FileStory, position: number): string {
  const [made] = story.told
  if (!isMadeHere(story)) return 'It was there before the first moment that names it.'
  const { file } = made.event as EventOf<'file.create'>
  return `Made by ${made.by} ${atMoment(made, position)}${story.since.size > 1 ? `, as ${file}` : ''}.`
}

function durability({ told, end }: FileStory, last: Named, position: number, what: string): string {
  const sync = told.find(({ event, position: at }) => event.type === 'file.sync' && at > last.position)
  if (sync === undefined) {
    const isOver = end !== undefined && end.position <= position
    return isOver ? `${what} was never synced.` : `${what} is not synced in this run: power loss could take it.`
  }
  if (sync.position > position)
    return `${what} is not durable yet: power loss could take it. Synced by ${sync.by} ${atMoment(sync, position)}.`
  return `${what} is durable since a sync by ${sync.by} ${atMoment(sync, position)}.`
}

function nameDurability(story: FileStory, position: number): readonly string[] {
  const named = Math.max(...[...story.since.values()].filter(at => at <= position))
  if (!isMadeHere(story) || named === -Infinity || (story.end !== undefined && story.end.position <= position)) return []
  const sync = story.nameSyncs.find(each => each.position > named)
  if (sync !== undefined && sync.position <= position) return [`Its name is durable since ${atMoment(sync, position).replace('at ', '')}.`]
  return ['Its name is not durable yet: power loss could take it.']
}

function becameOf({ end }: FileStory, position: number): string {
  if (end === undefined) return 'The file is there at the end of the run.'
  const { event, by } = end
  const when = atMoment(end, position)
  if (event.type === 'file.remove') return `The file is removed by ${by} ${when}.`
  return `Another file takes its name, by ${by} ${when}.`
}

/** Whether an event can be part of the history of a file. */
export function isOfFiles({ type }: TraceEvent): boolean {
  return type.startsWith('file.') || type === 'directory.sync'
}
