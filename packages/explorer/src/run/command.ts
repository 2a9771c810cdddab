/**
 * The language of operations: one operation or generator a line, as it is typed, pasted, kept in a link and shown.
 *
 *   put KEY VALUE [ttl MS] [sync]     VALUE is text, or a length such as 100B for a made value
 *   random 1000 keys 500              stands for many operations
 *
 * Keys, values and names are written bare or in double quotes with JSON's escapes.
 *
 * Invariants:
 * 1. `parse(format(line))` is the line again.
 * 2. A problem says where it is, and what to do.
 */
import { quotedText, shortText } from 'kvarium/observe'
import type { Generator } from './generate.js'
import type { Line } from './line.js'
import { madeValue } from './made-value.js'
import type { CrashImage, KeyInterval, Operation, Range, TransactionStep } from './operation.js'
import { WORKLOAD_WORDS } from './workload-words.js'
import { IncompleteError, LineReader, ProblemError, isBare, lengthText, type KnownKind, type Problem, type Room } from './line-reader.js'

export type { Problem } from './line-reader.js'

const LONGEST_VALUE = 24
const LONGEST_KEY = 40
/** Writes of a batch that are shown. */
const SHOWN_WRITES = 3
/** Shorter values are shown as they are. */
const LEAST_MADE = 8
const MOST_MADE_BYTES = 1024 * 1024
/** What the made values of a typed text may have together: a short text may stand for more than fits in memory. */
const MOST_TYPED_BYTES = 8 * 1024 * 1024
/** The same of a link, whose lines were typed one after the other. */
const MOST_LINKED_BYTES = 64 * 1024 * 1024
const MOST_OPERATIONS = 1_000_000
const MOST_WAIT_MS = 1_000_000
const MOST_TTL_MS = 1_000_000_000_000

const DEFAULTS = { keys: 1000, valueBytes: 100, seed: 1 } as const

interface Word {
  readonly name: string
  /** What follows the word. */
  readonly form: string
  readonly about: string
  readonly read: (reader: LineReader) => Line
}

const operation = (name: Operation['type'], form: string, about: string, read: (reader: LineReader) => Operation): Word => ({
  name,
  form,
  about,
  read: reader => ({ operation: read(reader) }),
})

const generator = (name: string, form: string, about: string, read: (reader: LineReader, count: number) => Generator): Word => ({
  name,
  form: `COUNT${form}`,
  about,
  read: reader => ({ generator: read(reader, reader.integer('how many operations', 1, MOST_OPERATIONS)) }),
})

/** The words that a line begins with. */
export const WORDS: readonly Word[] = [
  operation(
    'put',
    'KEY VALUE [ttl MS] [sync]',
    'Writes a value; 100B stands for a made value of that length. With ttl it expires after that number of milliseconds',
    reader => readPut(reader, true),
  ),
  operation('del', 'KEY [sync]', 'Deletes a key', reader => readDel(reader, true)),
  operation('get', 'KEY [at SNAPSHOT]', 'Reads a value, also as of a snapshot', reader => {
    const key = reader.text('key', 'a key')
    const snapshot = reader.option('at') ? reader.text('snapshot', 'the name of a snapshot') : undefined
    return { type: 'get', key, ...(snapshot !== undefined && { snapshot }) }
  }),
  operation('range', '[FROM] [TO] [limit N] [reverse]', 'Reads the entries from FROM on and before TO; - means no bound', readRange),
  operation('batch', 'put KEY VALUE [ttl MS]; del KEY; ... [sync]', 'Writes all of these or none', readBatch),
  operation('clear', '[FROM] [TO]', 'Deletes the keys from FROM on and before TO', reader => ({ type: 'clear', ...readInterval(reader) })),
  operation('snapshot', 'NAME', 'Holds this moment, to be read later', reader => ({
    type: 'snapshot',
    name: reader.text('name', 'a name for the snapshot'),
  })),
  operation('release', 'NAME', 'Ends a snapshot', reader => ({
    type: 'release',
    name: reader.text('snapshot', 'the name of a snapshot'),
  })),
  operation('begin', 'NAME [sync]', 'Begins a transaction, which reads this moment. With sync its commit survives power loss', reader => ({
    type: 'begin',
    name: reader.text('name', 'a name for the transaction'),
    ...(reader.option('sync') && { sync: true }),
  })),
  operation('in', 'NAME get|put|del|range|clear ...', 'A step of an open transaction; its writes wait for the commit', readStep),
  operation('commit', 'NAME', 'Writes all of a transaction at once, or nothing where another write has changed what it read', reader => ({
    type: 'commit',
    name: readTransaction(reader),
  })),
  operation('abort', 'NAME', 'Ends a transaction, of which nothing is written', reader => ({
    type: 'abort',
    name: readTransaction(reader),
  })),
  operation('sync', '', 'Makes durable what was written so far', () => ({ type: 'sync' })),
  operation('flush', '', 'Writes what is in memory to files', () => ({ type: 'flush' })),
  operation('compact', '[FROM] [TO]', 'Merges or rewrites what lies in these keys', reader => ({
    type: 'compact',
    ...readInterval(reader),
  })),
  operation('wait', 'MS', 'Lets simulated time pass, in milliseconds, in which the background works', reader => ({
    type: 'wait',
    ms: reader.integer('milliseconds', 0, MOST_WAIT_MS),
  })),
  operation('crash', 'LANE event N none|all|seed N|parts N,N,...', 'Power fails in a lane after one of its events', readCrash),
  operation('reopen', '', 'Closes the store and opens it again', () => ({ type: 'reopen' })),
  generator('ascending', ' [values 100B] [seed N] [ttl MS] [first N]', 'Puts of keys in ascending order', (reader, count) => {
    const { keys: _, ...options } = readOptions(reader, ['values', 'seed', 'ttl', 'first'])
    return { kind: 'ascending', count, ...options }
  }),
  ...(['random', 'zipfian'] as const).map(kind =>
    generator(
      kind,
      ' [keys N] [values 100B] [seed N] [ttl MS] [first N]',
      kind === 'random' ? 'Puts of random keys, all equally often' : 'Puts of random keys, a few of them very often',
      (reader, count) => ({ kind, count, ...readOptions(reader, ['keys', 'values', 'seed', 'ttl', 'first']) }),
    ),
  ),
  generator('cities', ' [first N]', 'Puts of cities of the world, from the GeoNames dataset', (reader, count) => {
    const { first } = readOptions(reader, ['first'])
    return { kind: 'cities', count, ...(first !== undefined && { first }) }
  }),
  ...WORKLOAD_WORDS.map(({ name, about }) =>
    generator(name, ' [keys N] [values 100B] [seed N] [first N]', about, (reader, count) => {
      const { keys, ...options } = readOptions(reader, ['keys', 'values', 'seed', 'first'], count)
      return { kind: 'workload', name, count, entries: keys, ...options }
    }),
  ),
]

/** The same, as a reader shows them. */
const FIRST_WORDS = WORDS.map(({ name: word, form, about }) => ({ word, about: form === '' ? about : `${form}: ${about}` }))

function roomOfText(): Room {
  return { madeBytes: MOST_TYPED_BYTES }
}

/** Room for the made values of a link. */
export function roomOfLink(): Room {
  return { madeBytes: MOST_LINKED_BYTES }
}

/**
 * Reads a line.
 * @param room - That of the text to which it belongs.
 */
export function parse(text: string, room: Room = roomOfText()): Line | Problem {
  try {
    return readLine(new LineReader(text, { room }))
  } catch (error) {
    if (error instanceof ProblemError) return error.problem
    throw error
  }
}

export function isProblem(parsed: Line | Problem): parsed is Problem {
  return 'message' in parsed
}

/** A problem in a list of lines; rows count from 0. */
export interface RowProblem extends Problem {
  readonly row: number
}

/** Whether a problem is one while it is typed: where the line of the cursor only ends too early, what comes next is no mistake yet. */
export function isMistake({ row, from, to }: RowProblem, cursorRow: number): boolean {
  return from < to || row !== cursorRow
}

/** Reads a list of lines; empty ones and those that begin with # are left out. Each line that is wrong has its problem. */
export function parseScript(text: string): {
  readonly lines: readonly Line[]
  readonly problems: readonly RowProblem[]
} {
  const lines: Line[] = []
  const problems: RowProblem[] = []
  const room = roomOfText()
  for (const [row, line] of text.split(/\r\n?|\n/).entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const parsed = parse(line, room)
    if (isProblem(parsed)) problems.push({ ...parsed, row })
    else lines.push(parsed)
  }
  return { lines, problems }
}

/** What can be typed at the end of a text, which may end inside of a word. */
export interface Completion {
  /** Offset where the word begins that a completion takes the place of. */
  readonly from: number
  readonly words: readonly { readonly word: string; readonly about: string }[]
  /** A key or the name of a snapshot, transaction or lane may stand here as well; the run knows which there are. */
  readonly wants: readonly KnownKind[]
  /** What is expected, in words. */
  readonly hint: string
}

export function complete(text: string): Completion {
  let reader: LineReader
  try {
    reader = new LineReader(text, { isCompleting: true, room: roomOfText() })
    readToHole(reader)
  } catch (error) {
    // Behind a mistake nothing fits.
    if (error instanceof ProblemError) return { from: text.length, words: [], wants: [], hint: '' }
    throw error
  }
  const { expected, hole } = reader
  const words = expected.flatMap(({ kind, word, about }) => (kind === 'word' ? [{ word, about }] : []))
  const wants = expected.flatMap(({ kind }) => (isKnown(kind) ? [kind] : []))
  const hint = expected.flatMap(({ kind, word, about }) => (kind === 'word' ? (about === '' ? [word] : []) : [about])).join(', or ')
  return { from: hole, words: words.filter(({ word }) => word.startsWith(text.slice(hole))), wants, hint }
}

function isKnown(kind: string): kind is KnownKind {
  return kind === 'key' || kind === 'snapshot' || kind === 'transaction' || kind === 'lane'
}

function readToHole(reader: LineReader): void {
  try {
    readLine(reader)
  } catch (error) {
    if (!(error instanceof IncompleteError)) throw error
  }
}

function readLine(reader: LineReader): Line {
  const name = reader.word('an operation', FIRST_WORDS)
  const line = WORDS.find(word => word.name === name)!.read(reader)
  reader.end()
  return line
}

function readPut(reader: LineReader, mayEnd: boolean): Operation & { readonly type: 'put' } {
  const key = reader.text('key', 'a key')
  const length = readMadeLength(reader)
  const value = length === undefined ? reader.text('value', 'a value: text, or a length such as 100B') : madeValue(key, length)
  const ttl = reader.option('ttl') ? readTtl(reader) : undefined
  return { type: 'put', key, value, ...(ttl !== undefined && { ttl }), ...(mayEnd && reader.option('sync') && { sync: true }) }
}

function readTtl(reader: LineReader): number {
  return reader.integer('milliseconds until it expires', 1, MOST_TTL_MS)
}

function readDel(reader: LineReader, mayEnd: boolean): Operation & { readonly type: 'del' } {
  return { type: 'del', key: reader.text('key', 'a key'), ...(mayEnd && reader.option('sync') && { sync: true }) }
}

function readLength(reader: LineReader): number | undefined {
  const length = reader.length()
  if (length !== undefined && length > MOST_MADE_BYTES) reader.refuse(`Write a length of at most ${lengthText(MOST_MADE_BYTES)}`)
  return length
}

/** A length for which the value is made at once. */
function readMadeLength(reader: LineReader): number | undefined {
  const length = readLength(reader)
  if (length === undefined) return undefined
  reader.room.madeBytes -= length
  if (reader.room.madeBytes < 0) {
    reader.refuse('Write a shorter length, or fewer of them at once: the made values of a text would not fit in memory')
  }
  return length
}

function readBatch(reader: LineReader): Operation {
  const operations: (Operation & { readonly type: 'put' | 'del' })[] = []
  do {
    const name = reader.word('put or del', [
      { word: 'put', about: 'KEY VALUE [ttl MS]' },
      { word: 'del', about: 'KEY' },
    ])
    operations.push(name === 'put' ? readPut(reader, false) : readDel(reader, false))
  } while (reader.semicolon())
  return { type: 'batch', operations, ...(reader.option('sync') && { sync: true }) }
}

function readRange(reader: LineReader): Range {
  const interval = readInterval(reader, ['limit', 'reverse'])
  const limit = reader.option('limit') ? reader.integer('how many entries', 1, MOST_OPERATIONS) : undefined
  const reverse = reader.option('reverse')
  return { type: 'range', ...interval, ...(limit !== undefined && { limit }), ...(reverse && { reverse }) }
}

function readTransaction(reader: LineReader): string {
  return reader.text('transaction', 'the name of a transaction')
}

function readStep(reader: LineReader): Operation {
  const name = readTransaction(reader)
  const step = reader.word('a step of a transaction', STEPS)
  return { type: 'in', name, operation: STEP_READERS[step](reader) }
}

const STEPS = [
  { word: 'get', about: 'KEY' },
  { word: 'put', about: 'KEY VALUE [ttl MS]' },
  { word: 'del', about: 'KEY' },
  { word: 'range', about: '[FROM] [TO] [limit N] [reverse]' },
  { word: 'clear', about: '[FROM] [TO]' },
] as const

const STEP_READERS: Readonly<Record<TransactionStep['type'], (reader: LineReader) => TransactionStep>> = {
  get: reader => ({ type: 'get', key: reader.text('key', 'a key') }),
  put: reader => readPut(reader, false),
  del: reader => readDel(reader, false),
  range: readRange,
  clear: reader => ({ type: 'clear', ...readInterval(reader) }),
}

const IMAGES = [
  { word: 'none', about: 'only what was synced is left' },
  { word: 'all', about: 'everything is left' },
  { word: 'seed', about: 'a choice among what was not synced' },
  { word: 'parts', about: 'the numbers of what is left, or -' },
] as const

function readCrash(reader: LineReader): Operation {
  const lane = reader.text('lane', 'the name of a lane')
  reader.word('what to count', [{ word: 'event', about: 'The number of the event after which power fails' }])
  const event = reader.integer('the number of an event', 0, Number.MAX_SAFE_INTEGER)
  const kept = reader.word('what is left', IMAGES)
  if (kept === 'seed') return { type: 'crash', lane, event, image: reader.integer('a seed', 0, 2 ** 32 - 1) }
  if (kept === 'parts') return { type: 'crash', lane, event, image: reader.integers('the numbers of the parts that are left, or -') }
  return { type: 'crash', lane, event, image: kept }
}

function readInterval(reader: LineReader, options: readonly string[] = []): { from?: string; to?: string } {
  const from = reader.bound('the first key', options)
  const to = from === undefined ? undefined : reader.bound('the key before which it ends', options)
  return { ...(typeof from === 'string' && { from }), ...(typeof to === 'string' && { to }) }
}

function readOptions(
  reader: LineReader,
  names: readonly ('keys' | 'values' | 'seed' | 'ttl' | 'first')[],
  defaultKeys: number = DEFAULTS.keys,
): { readonly keys: number; readonly valueBytes: number; readonly seed: number; readonly ttl?: number; readonly first?: number } {
  let { valueBytes, seed }: { valueBytes: number; seed: number } = DEFAULTS
  let keys = defaultKeys
  let ttl: number | undefined
  let first: number | undefined
  const left = new Set(names)
  for (;;) {
    const name = [...left].filter(each => reader.option(each)).at(0)
    if (name === undefined) break
    left.delete(name)
    if (name === 'keys') keys = reader.integer('how many keys', 1, MOST_OPERATIONS)
    else if (name === 'seed') seed = reader.integer('a seed', 0, 2 ** 32 - 1)
    else if (name === 'ttl') ttl = readTtl(reader)
    else if (name === 'first') first = reader.integer('how many operations', 0, MOST_OPERATIONS)
    else valueBytes = readLength(reader) ?? reader.expect('length', 'a length such as 100B')
  }
  return { keys, valueBytes, seed, ...(ttl !== undefined && { ttl }), ...(first !== undefined && { first }) }
}

/** A line as it is typed. */
export function format(line: Line): string {
  return 'operation' in line ? formatExactly(line.operation) : formatGenerator(line.generator)
}

/** An operation as it is typed; long keys, values and batches are shortened. */
export function formatOperation(operation: Operation): string {
  if (operation.type === 'batch') {
    const { operations } = operation
    const hidden = operations.length - SHOWN_WRITES
    const shown = hidden > 0 ? operations.slice(0, SHOWN_WRITES) : operations
    const text = shown.map(write => formatWith(write, shortValue, shortWord)).join('; ')
    return `batch ${text}${hidden > 0 ? `; ... (${hidden} more)` : ''}${syncText(operation)}`
  }
  return formatWith(operation, shortValue, shortWord)
}

function formatExactly(operation: Operation): string {
  if (operation.type !== 'batch') return formatWith(operation, valueText)
  return `batch ${operation.operations.map(write => formatWith(write, valueText)).join('; ')}${syncText(operation)}`
}

function formatWith(
  operation: Exclude<Operation, { type: 'batch' }>,
  value: (value: string, key: string) => string,
  word: (text: string) => string = wordText,
): string {
  switch (operation.type) {
    case 'put':
      return `put ${word(operation.key)} ${value(operation.value, operation.key)}${ttlText(operation)}${syncText(operation)}`
    case 'del':
      return `del ${word(operation.key)}${syncText(operation)}`
    case 'get':
      return `get ${word(operation.key)}${operation.snapshot === undefined ? '' : ` at ${word(operation.snapshot)}`}`
    case 'range': {
      const { limit, reverse } = operation
      const limitText = limit === undefined ? '' : ` limit ${limit}`
      return `range${intervalText(operation, word)}${limitText}${reverse === true ? ' reverse' : ''}`
    }
    case 'clear':
    case 'compact':
      return operation.type + intervalText(operation, word)
    case 'snapshot':
    case 'release':
    case 'commit':
    case 'abort':
      return `${operation.type} ${word(operation.name)}`
    case 'begin':
      return `begin ${word(operation.name)}${syncText(operation)}`
    case 'in':
      return `in ${word(operation.name)} ${formatWith(operation.operation, value, word)}`
    case 'wait':
      return `wait ${operation.ms}`
    case 'crash':
      return `crash ${word(operation.lane)} event ${operation.event} ${imageText(operation.image)}`
    default:
      return operation.type
  }
}

function formatGenerator(generator: Generator): string {
  const { count, first } = generator
  const name = generator.kind === 'workload' ? generator.name : generator.kind
  const options: string[] = []
  if (generator.kind === 'workload' && generator.entries !== count) options.push(` keys ${generator.entries}`)
  if ('keys' in generator && generator.keys !== DEFAULTS.keys) options.push(` keys ${generator.keys}`)
  if (generator.kind !== 'cities') {
    if (generator.valueBytes !== DEFAULTS.valueBytes) options.push(` values ${lengthText(generator.valueBytes)}`)
    if (generator.seed !== DEFAULTS.seed) options.push(` seed ${generator.seed}`)
  }
  if ('ttl' in generator) options.push(ttlText(generator))
  return `${name} ${count}${options.join('')}${first === undefined ? '' : ` first ${first}`}`
}

function imageText(image: CrashImage): string {
  if (typeof image === 'string') return image
  if (typeof image === 'number') return `seed ${image}`
  return `parts ${image.length === 0 ? '-' : image.join(',')}`
}

function syncText({ sync }: { readonly sync?: boolean }): string {
  return sync === true ? ' sync' : ''
}

function ttlText({ ttl }: { readonly ttl?: number }): string {
  return ttl === undefined ? '' : ` ttl ${ttl}`
}

function intervalText({ from, to }: KeyInterval, word: (text: string) => string): string {
  if (to !== undefined) return ` ${from === undefined ? '-' : word(from)} ${word(to)}`
  return from === undefined ? '' : ` ${word(from)}`
}

/** A key, a value or a name: bare where it can be. */
export function wordText(text: string): string {
  return isBare(text) ? text : quotedText(text)
}

function valueText(value: string, key: string): string {
  if (value.length >= LEAST_MADE && value.length <= MOST_MADE_BYTES && value === madeValue(key, value.length))
    return lengthText(value.length)
  return wordText(value)
}

function shortValue(value: string, key: string): string {
  if (value.length <= LONGEST_VALUE) return valueText(value, key)
  return shortText(valueText(value, key), LONGEST_VALUE)
}

/** The same, cut where it is long: for titles and sentences. */
export function shortWord(text: string): string {
  return shortText(wordText(text), LONGEST_KEY)
}
