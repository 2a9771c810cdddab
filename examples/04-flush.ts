/** How do keys get from memory into a sorted file, and what is in that file? */
import type { Span } from 'kvarium/inspect'
import type { Lab } from './lab/lab.js'

export const question = 'How do keys get from memory into a sorted file, and what is in that file?'

const USERS = 40
const CHANGED = 8
/** Where the second data block begins; the example fails if it does not. */
const FIRST_OF_BLOCK_1 = 11
const TABLE = '/users/000004.sst'
const SHOWN = [
  ...(['job', 'memtable', 'log', 'table', 'merge.end', 'manifest.edit'] as const),
  ...(['file.create', 'file.write', 'file.sync', 'file.remove', 'directory.sync'] as const),
]

export async function run(lab: Lab): Promise<void> {
  lab.heading('A memtable')
  lab.say(`Here are ${USERS} users, in one batch; then ${CHANGED} of them are put again. All of it is in the log, and sorted in the memtable. The engine
    flushes a full memtable in the background; here the example asks for the flush.`)
  const db = await lab.open('/users', { blockSize: 256, writeBufferSize: 64 * 1024 })
  const all = Array.from({ length: USERS }, (_, i) => put(i, `joined in ${1980 + i}`))
  await lab.do(db, `batch of ${USERS} puts: ${all[0].key} to ${all.at(-1)!.key}`, () => db.batch(all), ['log'])
  const again = Array.from({ length: CHANGED }, (_, i) => put(i, 'left'))
  await lab.do(db, `batch of ${CHANGED} puts: ${again[0].key} to ${again.at(-1)!.key}`, () => db.batch(again), ['log'])

  lab.heading('The flush')
  lab.predict(`The memtable holds ${USERS + CHANGED} versions. How many entries will the table have?`)
  await lab.do(db, 'flush()', () => db.flush(), SHOWN)
  const [built] = lab.events('table.built')
  const [{ dropped, entriesRead }] = lab.events('merge.end')
  const flushed = lab.events('file.write').filter(({ part }) => part === 'flush')
  const named = lab.events('manifest.edit')
  lab.number('versions', entriesRead)
  lab.number('dropped', dropped.shadowed)
  lab.number('table-writes', flushed.length)
  lab.number('edit-bytes', named[0].length)
  lab.reveal(
    lab.number('entries', built.entries),
    `${dropped.shadowed} versions are hidden by newer ones, and no snapshot sees them: the flush drops them. They took space in the log, but take none
      in a table.`,
  )
  lab.table(
    'Why this order',
    ['done and synced', 'if the power fails after it, the next open'],
    [
      ['the table', 'removes a file that no manifest names; the log has everything'],
      ['the name of the table', 'does the same'],
      ['the edit in the manifest', 'reads the table, and removes the log, which is no longer needed'],
      ['(the log is removed)', 'has nothing to do'],
    ],
  )

  lab.heading('The map of the file')
  const parts = await lab.parts(TABLE)
  lab.predict(`The table has ${built.fileBytes.toLocaleString('en-US')} bytes. How many of them are keys and values?`)
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  lab.table(
    'From its beginning to its end',
    ['offset', 'bytes', 'part', 'contents'],
    [
      ...parts.map(({ offset, length, name, value = '' }) => [offset, length, name, value]),
      ['', lab.number('file-bytes', size), 'the file', ''],
    ],
  )
  lab.reveal(
    `${lab.number('user-bytes', built.rawBytes)} bytes, as they were put`,
    `The file is ${lab.number('space', built.fileBytes / built.rawBytes).toFixed(2)} times as large: these entries and blocks are tiny. The parts that come once per file matter
      less the larger the file is, and the parts that come once per entry matter less the larger the values are.`,
  )
  lab.table('Where the bytes are', ['what for', 'bytes'], [...sums(lab, parts), ['the file', size]])

  const index = parts.find(({ name }) => name === 'index')!
  lab.lines(
    'What the index says',
    childrenOf(index, 'entry').map(({ value }) => String(value)),
  )

  const [, block] = parts
  const [slot, nextSlot] = childrenOf(block, 'slot')
  const [entry, nextEntry] = childrenOf(block, 'entry')
  lab.heading('One entry')
  lab.predict(`"${put(FIRST_OF_BLOCK_1, '').key}" has 9 bytes of key and 14 of value. How many bytes does it take in its block?`)
  await lab.hex('A block begins with the common prefix of its keys, followed by a slot for each entry', TABLE, {
    from: block.offset,
    to: nextSlot.offset,
  })
  await lab.hex('The entry that the slot points to', TABLE, { from: entry.offset, to: nextEntry.offset })
  lab.reveal(
    lab.number('entry-bytes', slot.length + entry.length),
    `${lab.number('slot-bytes', slot.length)} in its slot and ${lab.number('cell-bytes', entry.length)} in its cell. The cell stores only the last byte of the key: the others are in the prefix, once for the whole block.`,
  )

  lab.heading('The footer')
  lab.say(
    'It has a fixed size, so a reader begins at the end of the file: the footer leads to filter, index and properties, and the index leads to the data.',
  )
  await lab.hex('The end of the file', TABLE, { from: parts.at(-1)!.offset })
  lab.heading('In short')
  lab.say(`A flush makes a file that never changes and in which one read finds a key. The order of its syncs guarantees that at every moment
    either the log or the table holds everything.`)
  await db.close()
}

function put(number: number, value: string): { readonly type: 'put'; readonly key: string; readonly value: string } {
  return { type: 'put', key: `user:${String(number).padStart(4, '0')}`, value }
}

function childrenOf({ children = [] }: Span, name: string): Span[] {
  return children.filter(child => child.name.startsWith(`${name} `))
}

/** Purposes of the bytes of data blocks, by the names of parts without parts of their own. */
const PURPOSES: Readonly<Record<string, string>> = {
  value: 'values',
  suffix: 'suffixes: the keys without the common prefix of the block',
  prefix: 'prefixes: common to the keys of a block',
  tag: 'tags: sequence numbers and kinds',
  slot: 'slots: where the entries are, and the first bytes of their keys',
  'suffix length': 'lengths of suffixes and payloads',
  'payload length': 'lengths of suffixes and payloads',
  entries: 'headers: number of entries, length of the prefix',
  'prefix length': 'headers: number of entries, length of the prefix',
  codec: 'trailers: compression and checksum',
  checksum: 'trailers: compression and checksum',
}

/** Every byte of the file once: those of data blocks by purpose, the others by part. */
function sums(lab: Lab, parts: readonly Span[]): [string, number][] {
  const bytes = new Map<string, number>()
  const add = (purpose: string, { length }: Span): void => void bytes.set(purpose, (bytes.get(purpose) ?? 0) + length)
  for (const part of parts) {
    if (part.name.startsWith('data block')) for (const leaf of leaves(part)) add(PURPOSES[leaf.name.replace(/ \d+$/, '')], leaf)
    else add(part.name, part)
  }
  for (const [purpose, length] of bytes) lab.number(purpose.split(/[:, ]/)[0], length)
  return [...bytes]
}

function leaves(span: Span): Span[] {
  return span.children === undefined ? [span] : span.children.flatMap(leaves)
}
