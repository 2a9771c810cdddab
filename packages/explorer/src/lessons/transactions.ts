/** What happens when two transactions change the same account. */
import { parse } from '../run/command.js'
import { BTREE, LEVELED } from '../run/engine-lanes.js'
import type { Operation } from '../run/operation.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf } from './settings.js'
import { counted, number } from './words.js'

const START = 100
const TO_BEN = 30
const TO_CAT = 20
const OPENED = `batch put ann ${START}; put ben ${START}; put cat ${START}`

/** Both transfers have read before either writes. */
const PLAIN = [
  OPENED,
  'get ann',
  'get ben',
  'get ann',
  'get cat',
  `put ann ${START - TO_BEN}`,
  `put ben ${START + TO_BEN}`,
  `put ann ${START - TO_CAT}`,
  `put cat ${START + TO_CAT}`,
  'range',
  OPENED,
]
const SIDE_BY_SIDE = [
  'begin to-ben',
  'in to-ben get ann',
  'in to-ben get ben',
  'begin to-cat',
  'in to-cat get ann',
  'in to-cat get cat',
  `in to-cat put ann ${START - TO_CAT}`,
  `in to-cat put cat ${START + TO_CAT}`,
  'commit to-cat',
  'in to-ben get ann',
  `in to-ben put ann ${START - TO_BEN}`,
  `in to-ben put ben ${START + TO_BEN}`,
  'commit to-ben',
]
const AGAIN = [
  'begin again',
  'in again get ann',
  'in again get ben',
  `in again put ann ${START - TO_CAT - TO_BEN}`,
  `in again put ben ${START + TO_BEN}`,
  'commit again',
]
const DOCTORS = [
  'batch put doctor/ada here; put doctor/bob here',
  'begin ada',
  'in ada range doctor/ doctor0',
  'begin bob',
  'in bob range doctor/ doctor0',
  'in bob put doctor/bob away',
  'commit bob',
  'in ada put doctor/ada away',
  'commit ada',
  'range doctor/ doctor0',
]
const LINES = [...PLAIN, ...SIDE_BY_SIDE, ...AGAIN, ...DOCTORS]

/** Transactions of the task. */
const READERS = 3

const numberOf = (line: string): number => LINES.indexOf(line) + 1
const logOf = (scene: Scene) => pictureOf(scene, 'log').logs.at(-1)!
const inMemory = (scene: Scene): string => counted(pictureOf(scene, 'memtable').memtables[0].entries, 'entry', 'entries')
const refused = ({ facts }: Scene): number => facts.lanes[0].events['transaction.conflict'] ?? 0
const committed = ({ facts }: Scene): number => facts.lanes[0].events['transaction.commit'] ?? 0

export const lesson: Lesson = {
  title: 'Transactions',
  settings: lanesOf(LEVELED, BTREE),
  lines: LINES,
  question: {
    text: 'Ann pays Ben, and Ann pays Cat: two transactions. Both have read her balance, and nothing is locked. The payment to Cat commits. Then the payment to Ben wants to commit, too. What does the store do?',
    answers: [
      {
        text: 'It commits: the balance that was written last counts',
        why: 'So it would be with plain gets and puts. The payment to Cat would be lost, and there would be more money than before.',
      },
      {
        text: 'It lets the second one wait for the first from the beginning',
        why: 'That takes locks. Here nothing waits: work is done at once, and repeated where it was in vain.',
      },
      {
        text: 'It refuses the commit, as what the transaction has read is no longer so',
        why: scene =>
          `Up to here ${counted(committed(scene), 'transaction has', 'transactions have')} committed, and ${counted(refused(scene), 'was', 'were')} refused. Right before the writes would go into the log, the store compares what was read with what has been written since.`,
      },
    ],
    right: 2,
    at: { outcome: numberOf('commit to-ben') },
    measured: scene => (refused(scene) === 1 && committed(scene) === 1 ? 2 : 0),
  },
  steps: [
    {
      title: 'A lost update',
      at: { outcome: numberOf('range') },
      lit: [{ drawing: 'Memtable' }],
      text: scene =>
        `Both payments read, and then both wrote: without transactions. The memtable has ${inMemory(scene)}, so every put is there. But the last balance of Ann was computed before the payment to Ben, whose ${number(TO_BEN)} were never taken from her. The three have ${number(3 * START + TO_BEN)} together, where they had ${number(3 * START)}.`,
    },
    {
      title: 'A transaction begins',
      at: { outcome: numberOf('in to-ben get ben') },
      lit: [{ drawing: 'Log' }, { drawing: 'Memtable' }],
      text: scene =>
        `The balances are as they were, and the payment to Ben is a transaction now. It has read two of them. Nothing is locked, and the log has ${counted(logOf(scene).bytes, 'byte')} as before: that it reads is known in memory only.`,
    },
    {
      title: 'Writes that wait',
      at: { outcome: numberOf(`in to-cat put cat ${START + TO_CAT}`) },
      lit: [{ drawing: 'Log' }, { drawing: 'Memtable' }],
      text: scene =>
        `The payment to Cat has read and put two balances. The memtable still has ${inMemory(scene)}, and the log ${counted(logOf(scene).bytes, 'byte')}. The puts wait in the transaction: only its own reads see them.`,
    },
    {
      title: 'A snapshot for the other one',
      at: { next: 'snapshot.take' },
      lit: [{ drawing: 'Memtable' }],
      text: ({ moment }) =>
        `The payment to Cat commits. ${moment!.sentence} It is for the payment to Ben: until now that one read the present, and from here on it goes on reading the moment in which it began.`,
    },
    {
      title: 'One frame',
      at: { next: 'log.append' },
      lit: [{ drawing: 'Log' }],
      text: scene => {
        const { entries, length } = logOf(scene).frames.at(-1)!
        return `All that the transaction writes is one frame: ${counted(entries, 'operation')} in ${counted(length, 'byte')}. A frame with a torn end is dropped as a whole, so a crash leaves all of a transaction or nothing.`
      },
    },
    {
      title: 'Still its own moment',
      // The second get of this key.
      at: { outcome: LINES.lastIndexOf('in to-ben get ann') + 1 },
      lit: [{ drawing: 'Memtable' }],
      text: `Ann has ${number(START - TO_CAT)} by now. But the payment to Ben reads again, and gets ${number(START)}: the version of its moment, which lies behind the newer one in the memtable.`,
    },
    {
      title: 'Refused',
      at: { next: 'transaction.conflict' },
      lit: [{ drawing: 'Log' }],
      text: scene =>
        `${scene.moment!.sentence} Its writes are dropped, and the log keeps its ${counted(logOf(scene).bytes, 'byte')}. The store has compared what was read with the writes since the transaction began. Of its own writes it has compared nothing.`,
    },
    {
      title: 'Once more',
      at: { outcome: numberOf('commit again') },
      lit: [{ drawing: 'Log' }, { drawing: 'Memtable' }],
      text: scene =>
        `The payment to Ben runs again, from its beginning: it reads ${number(START - TO_CAT)}, and leaves Ann ${number(START - TO_CAT - TO_BEN)}. In a program the store calls the function again by itself. So far ${counted(committed(scene), 'transaction has', 'transactions have')} committed, as if one had run after the other.`,
    },
    {
      title: 'Different keys',
      at: { next: 'transaction.conflict' },
      lit: [{ drawing: 'Memtable' }],
      text: ({ moment }) =>
        `Two doctors are here, and one has to stay. Each looks whether both are here, and goes. They write different keys, and still: ${moment!.sentence} Ada walked the whole range. A third doctor who came into it would be a conflict, too.`,
    },
    {
      title: 'The same in a B+tree',
      at: { lane: 1, next: 'transaction.conflict' },
      lit: [{ drawing: 'Pages', lane: 1 }],
      text: ({ moment }) =>
        `${moment!.sentence} What is compared belongs to the store and not to its engine, so the B+tree refuses the same commit. Its pages are as they were.`,
    },
  ],
  free: {
    title: 'Readers do not meet',
    text: 'Let three transactions be open at once, which all read ann and each put a key. All three must commit, and none may be refused.',
    hint: 'That two transactions read the same key is no conflict. One that puts what another one has read is.',
    conditions: ({ now, before }) => {
      const added = now.script.slice(before.script.length).map(text => parse(text))
      const together = mostTogether(added.flatMap(line => ('operation' in line ? [line.operation] : [])))
      const conflicts = now.lanes[0].events['transaction.conflict'] - before.lanes[0].events['transaction.conflict']
      return [
        {
          text: `${counted(together, 'transaction that reads ann and puts a key', 'transactions that read ann and put a key')} were open at once and committed (${number(READERS)} at least).`,
          isMet: together >= READERS,
        },
        { text: `${counted(conflicts, 'more transaction was', 'more transactions were')} refused (none).`, isMet: conflicts === 0 },
      ]
    },
  },
  challenges: [],
}

interface Reader {
  hasRead: boolean
  hasPut: boolean
}

/** How many transactions that have read ann and put a key were open at once, and were all committed. */
function mostTogether(operations: readonly Operation[]): number {
  const open = new Map<string, Reader>()
  /** By the end of each reader that was committed: those that were open with it. */
  const groups: Reader[][] = []
  const done = new Set<Reader>()
  for (const operation of operations) {
    if (operation.type === 'begin') open.set(operation.name, { hasRead: false, hasPut: false })
    if (operation.type === 'in') {
      const reader = open.get(operation.name)
      const { operation: step } = operation
      if (reader !== undefined && step.type === 'get' && step.key === 'ann') reader.hasRead = true
      if (reader !== undefined && step.type === 'put') reader.hasPut = true
    }
    if (operation.type !== 'commit' && operation.type !== 'abort') continue
    const reader = open.get(operation.name)
    if (reader !== undefined && operation.type === 'commit' && reader.hasRead && reader.hasPut) {
      groups.push([...open.values()])
      done.add(reader)
    }
    open.delete(operation.name)
  }
  return Math.max(0, ...groups.map(group => group.filter(reader => done.has(reader)).length))
}
