/** One plain sentence for every event, for whoever reads, hears or points at it. */
import { KIND_DELETE, KIND_DELETE_RANGE, type EntryKind } from '../codec/entry.js'
import type { EventOf, EventType, OperationKind, ProbeSource, TraceEvent, TraceJobKind } from './events.js'
import { textOfBytes } from './text-of-bytes.js'

/** What the event says, in one sentence. */
export function describe(event: TraceEvent): string {
  return (SENTENCES[event.type] as (event: TraceEvent) => string)(event)
}

const LONGEST_KEY = 40

const SENTENCES: { readonly [Type in EventType]: (event: EventOf<Type>) => string } = {
  'engine.open': e => `The engine ${e.engine} is open; its last operation so far has sequence number ${e.entrySequence}.`,
  'snapshot.take': e => `A snapshot of sequence number ${e.entrySequence} is taken; ${count(e.live, 'snapshot')} now held.`,
  'snapshot.release': e => `The snapshot of sequence number ${e.entrySequence} is released; ${count(e.live, 'snapshot')} still held.`,

  'operation.begin': beginning,
  'operation.end': ending,

  'file.create': e => `The file ${e.file} is created.`,
  'file.open': e => `The file ${e.file} is opened for ${e.writable ? 'writing' : 'reading'}.`,
  'file.read': e => `${bytes(e.length)} at offset ${e.offset} of ${e.file} are read, for ${READ_FOR[e.part]}.`,
  'file.write': e => `${bytes(e.length)} are written at offset ${e.offset} of ${e.file}, booked as ${e.part}.`,
  'file.truncate': e => `The file ${e.file} is cut to ${bytes(e.size)}.`,
  'file.sync': e => `All that was written to ${e.file} is durable now.`,
  'file.close': e => `The file ${e.file} is closed.`,
  'file.rename': e => `The file ${e.from} is renamed to ${e.to}.`,
  'file.remove': e => `The file ${e.file} is removed.`,
  'directory.sync': e => `The names in ${e.directory === '.' ? 'the directory of the store' : e.directory} are durable now.`,

  'log.append': e =>
    `${count(e.entries, 'operation')} from sequence number ${e.firstSequence} on went into log ${e.log} as ${bytes(e.length)} at offset ${e.offset}.`,
  'log.rotate': e => `Log ${e.from} is complete; writing goes on in log ${e.to}.`,
  'log.replay': e =>
    `Log ${e.log} was read back: ${count(e.records, 'record')} with ${count(e.entries, 'operation')} in ${bytes(e.bytes)}; ${e.outcome}.`,
  'log.release': e => `Log ${e.log} and its ${bytes(e.bytes)} are gone, because all that was in it is elsewhere.`,
  'log.commit': e =>
    `Log ${e.log} is durable up to byte ${e.upTo}${e.operations.length === 0 ? '' : `, by one sync for ${count(e.operations.length, 'operation')}`}.`,

  'memtable.search': e =>
    `The search in ${place(e.source)} went down ${count(e.path.length, 'level')} with ` +
    `${count(sum(e.path.map(step => step.comparisons)), 'comparison')} and ${e.found ? 'met the key' : 'did not meet the key'}.`,
  'memtable.insert': e =>
    `${version(e.kind)} of ${key(e.key)} with sequence number ${e.entrySequence} enters the memtable as a node of height ${e.height}; ` +
    `${bytes(e.bytesUsed)} are used now.`,
  'memtable.new': e =>
    `A fresh memtable with room for ${bytes(e.capacityBytes)} takes over${e.log === 0 ? '' : `, for log ${e.log} and those after it`}.`,
  'memtable.freeze': e => `The memtable${ofLog(e.log)} is frozen with ${count(e.entries, 'version')} in ${bytes(e.bytes)}.`,
  'memtable.drop': e => `The frozen memtable${ofLog(e.log)} with ${count(e.entries, 'version')} is dropped, because it is in tables.`,
  'tombstone.add': e => `All keys from ${key(e.from)} to ${key(e.to)} are deleted, as of sequence number ${e.entrySequence}.`,

  'job.begin': e => `${JOBS[e.kind]} begins${e.remote === true ? ' in another thread' : ''}${because(e.reason)}.`,
  'job.end': e =>
    `${JOBS[e.kind]} ${e.status === 'ok' ? 'is done' : e.status === 'failed' ? 'has failed' : 'was given up'}` +
    `, having read ${bytes(e.bytesRead)} and written ${bytes(e.bytesWritten)}${because(e.error)}.`,

  'table.block': e =>
    `Table ${e.file} gets ${e.kind === 'index' ? 'an' : 'a'} ${e.kind} block of ${bytes(e.length)} at offset ${e.offset}` +
    `${e.entries > 0 ? `, with ${count(e.entries, 'entry', 'entries')}` : ''}.`,
  'table.filter': e => `Table ${e.file} gets a filter of ${e.bits} bits for ${count(e.keys, 'key')}, with ${e.hashes} hashes each.`,
  'table.built': e =>
    `Table ${e.number} for level ${e.level} is complete: ${count(e.entries, 'entry', 'entries')} from ${key(e.smallest)} to ${key(e.largest)} in ${bytes(e.fileBytes)}.`,

  'compaction.pick': e =>
    `${count(e.inputs.flat().length, 'table')} of ${bytes(e.inputBytes)} will ${OUTCOMES[e.outcome]}` +
    `${e.outcome === 'drop' ? '' : ` level ${e.outputLevel}`}${because(e.reason)}.`,
  'compaction.key': e => `${version(e.kind)} of ${key(e.key)} with sequence number ${e.entrySequence} ${FATES[e.fate]}.`,
  'merge.end': e =>
    `${count(e.entriesRead, 'entry', 'entries')} were merged into ${count(e.tables.length, 'table')}; ` +
    `${e.dropped.shadowed + e.dropped.covered + e.dropped.tombstones} of them were forgotten.`,

  'manifest.edit': e =>
    `The manifest ${e.whole ? 'begins anew with' : 'adds'} ${count(e.added.length, 'table')}` +
    `${e.deleted.length > 0 ? `, drops ${count(e.deleted.length, 'table')}` : ''}` +
    `${e.newLog === undefined ? '' : `, makes log ${e.newLog} known`}; this is durable and in force.`,

  'stall.begin': e => `The writer has to wait${because(e.reason)}.`,
  'stall.end': e => `The writer has waited ${milliseconds(e.waitedMs)} and goes on.`,

  // Which bits a filter of the user's own looks at is not known.
  'bloom.probe': e =>
    `The filter of table ${e.file} is asked${e.positions.length > 0 ? ` at ${count(e.positions.length, 'bit')}` : ''}: the key ${e.mayContain ? 'may be there' : 'is certainly not there'}.`,
  'get.probe': e => `The get looked in ${place(e.source)}: ${PROBES[e.outcome]}.`,

  'cache.hit': e => `${cached(e)} ${e.file === 0 ? 'is in memory' : 'came from the cache'}.`,
  'cache.miss': e => `${cached(e)} ${e.file === 0 ? 'is not in memory and has' : 'are not in the cache and have'} to be read.`,
  'cache.add': e => `${cached(e)} is kept in the cache, where it counts ${bytes(e.bytes)}.`,
  'cache.remove': e => `${cached(e)} leaves the cache, because it was changed or is of no use any more.`,
  'cache.evict': e => `${cached(e)} left the cache to make room.`,

  'page.visit': e => `The search passes page ${e.page} at depth ${e.depth} by slot ${e.slot} of ${e.entries}.`,
  'page.new': e =>
    `Page ${e.page} comes to be at level ${e.level}${e.copyOf === undefined ? '' : `, as a copy of page ${e.copyOf}`}, ${count(e.units, 'unit')} large.`,
  'page.change': e => `Page ${e.page} now has ${count(e.entries, 'entry', 'entries')}, and ${bytes(e.usedBytes)} in use.`,
  'page.resize': e => `Page ${e.page} is ${count(e.to, 'unit')} large now, instead of ${e.from}.`,
  'page.split': e => `Page ${e.page} is split into pages ${e.into.join(', ')}, ${SPLITS[e.rule]}.`,
  'page.merge': e =>
    e.rule === 'merge'
      ? `Pages ${e.pages.join(' and ')} have little in them and become page ${e.into.join(', ')}.`
      : `The entries of pages ${e.pages.join(' and ')} are packed: the left one is filled up from the right one.`,
  'page.write': e => `Page ${e.page} of level ${e.level} is written at unit ${e.offset}.`,
  'page.clean': e => `Page ${e.page} is durable; ${bytes(e.dirtyBytes)} of changed pages are left in memory.`,
  'page.drop': e => `Page ${e.page} of level ${e.level} is in the tree no more.`,
  'subtree.drop': e => `Page ${e.page} of level ${e.level} is in the tree no more, with ${count(e.entries, 'entry', 'entries')} under it.`,
  'page.free': e => `Nobody needs page ${e.page} any more.`,
  'space.alloc': e =>
    e.from === 'free'
      ? `Free space gives ${count(e.units, 'unit')} at unit ${e.offset}.`
      : `The end of the file gives ${count(e.units, 'unit')} at unit ${e.offset}.`,
  'space.free': e => `Free space gets ${count(e.units, 'unit')} at unit ${e.offset} back.`,
  'tree.change': e =>
    `The tree holds ${count(e.entries, 'entry', 'entries')} of ${bytes(e.liveBytes)}, up to sequence number ${e.entrySequence}.`,
  'root.change': e => `Page ${e.page} is the root of the tree now, ${e.height} high with ${count(e.entries, 'entry', 'entries')}.`,
  'root.hold': e => `The tree under page ${e.page} is held as it is; ${count(e.held, 'root')} now held.`,
  'root.release': e => `The tree under page ${e.page} is not held any more; ${count(e.held, 'root')} still held.`,
  'meta.read': e =>
    `Meta page ${e.number} says that the tree has ${count(e.entries, 'entry', 'entries')}, and goes on in the logs from ${e.firstLog}.`,
  'meta.write': e => `Meta page ${e.number} is in force: the next open replays logs from ${e.firstLog} on.`,
  'checkpoint.end': e =>
    `Checkpoint ${e.number} is in force: ${count(e.pages, 'page')} of ${bytes(e.bytes)} were written; the data file has ${bytes(e.fileBytes)}, ` +
    `${e.freeBytes} of them free.`,
}

function beginning(e: EventOf<'operation.begin'>): string {
  const { kind } = e
  if (kind === 'write') {
    const what = e.key !== undefined ? `A write of ${key(e.key)}` : `A batch of ${count(e.entries ?? 0, 'operation')}`
    return `${what} begins, with ${bytes(e.userBytes ?? 0)} of keys and values${e.sync === true ? ', to be acknowledged once durable' : ''}.`
  }
  return `${OPERATIONS[kind]} begins${e.key === undefined ? '' : `, ${kind === 'get' ? 'for' : 'from'} ${key(e.key)}${kind === 'get' ? '' : ' on'}`}.`
}

function ending(e: EventOf<'operation.end'>): string {
  const size = e.valueBytes === undefined ? '' : ` of ${bytes(e.valueBytes)}`
  if (e.status === 'failed') return `${OPERATIONS[e.kind]} has failed${because(e.error)}.`
  if (e.status === 'found') return `${OPERATIONS[e.kind]} found a value${size}.`
  if (e.status === 'missing') return `${OPERATIONS[e.kind]} found nothing.`
  return `${OPERATIONS[e.kind]} is ${e.kind === 'write' || e.kind === 'clear' ? 'acknowledged' : 'done'}.`
}

const OPERATIONS: Readonly<Record<OperationKind, string>> = {
  get: 'A get',
  write: 'A write',
  clear: 'A clear of a range',
  cursor: 'Opening a cursor',
  seek: 'A seek of a cursor',
  next: 'A step of a cursor',
  snapshot: 'Taking a snapshot',
  flush: 'A flush that was asked for',
  compact: 'A compaction that was asked for',
  settle: 'Waiting for the background',
  check: 'A check of everything',
  estimate: 'An estimate of a size',
}
const JOBS: Readonly<Record<TraceJobKind, string>> = {
  open: 'Opening',
  close: 'Closing',
  commit: 'A sync of the log',
  rotate: 'Starting a log',
  flush: 'A flush',
  compaction: 'A compaction',
  checkpoint: 'A checkpoint',
  free: 'Removing what is obsolete',
}
const READ_FOR = { open: 'opening', get: 'a get', scan: 'a scan', compaction: 'the background' } as const
const OUTCOMES = { merge: 'be merged into', move: 'move unchanged to', drop: 'be dropped unread' } as const
const FATES = {
  kept: 'goes on into the output',
  shadowed: 'is forgotten, because a newer version hides it',
  covered: 'is forgotten, because a range tombstone deletes it',
  'tombstone-dropped': 'is forgotten, because nothing older is left under it',
} as const
const PROBES = {
  hit: 'the value is there',
  tombstone: 'the key is deleted there',
  covered: 'there is a value, but a newer range tombstone deletes it',
  miss: 'the key is not there',
  'range-skip': 'the key lies outside of it',
  'bloom-skip': 'the filter rules it out',
  'false-positive': 'the filter said maybe, but the key is not there',
} as const
const SPLITS = {
  middle: 'in the middle',
  ascending: 'at the new entry, because keys come in ascending order',
  large: 'around a large entry',
  asked: 'where the part of your own says',
} as const

function version(kind: EntryKind): string {
  if (kind === KIND_DELETE) return 'A tombstone'
  return kind === KIND_DELETE_RANGE ? 'A range tombstone' : 'A value'
}

function place(source: ProbeSource): string {
  if (source.in === 'memtable') return 'the memtable'
  if (source.in === 'frozen') return `frozen memtable ${source.index}`
  return source.in === 'table' ? `table ${source.file} of level ${source.level}` : `run ${source.run} of level ${source.level}`
}

/** A block of a table, or a page of the tree: those have no file number. */
function cached(e: { readonly file: number; readonly id: number; readonly bytes: number }): string {
  return e.file === 0 ? `Page ${e.id}` : `${bytes(e.bytes)} of file ${e.file} at ${e.id}`
}

/** The first memtable of a session is there before its log is: 0. */
function ofLog(log: number): string {
  return log === 0 ? '' : ` of log ${log}`
}

function key(bytes: Uint8Array): string {
  const text = textOfBytes(bytes)
  const shown = text === undefined ? `0x${Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')}` : JSON.stringify(text)
  return shown.length > LONGEST_KEY ? `${shown.slice(0, LONGEST_KEY)}…` : shown
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`
}

function bytes(number: number): string {
  return count(number, 'byte')
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

function milliseconds(ms: number): string {
  return `${Math.round(ms * 1000) / 1000} ms`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
