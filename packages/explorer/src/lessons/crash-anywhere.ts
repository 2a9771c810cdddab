/** What is left when the power fails. */
import { LEVELED } from '../run/engine-lanes.js'
import { linesOf as parsed } from '../run/scenario.js'
import { pictureOf, type Lesson, type Scene } from './lesson.js'
import { lanesOf } from './settings.js'
import { counted, number } from './words.js'

const PUTS = ['put apple 1', 'put pear 2', 'put plum 3 sync', 'put kiwi 4', 'put date 5']
const DURABLE = 3

const unsynced = ({ facts }: Scene): number => facts.lanes[0].unsyncedBytes

export const lesson: Lesson = {
  title: 'Crash anywhere',
  settings: lanesOf(LEVELED),
  lines: [...PUTS, 'crash lsm event 59 none', 'range'],
  question: {
    text: 'Five puts are acknowledged, one after the other. Only the third one asked for a sync. Then the power fails, and the medium has kept nothing that was not synced. How many of the five are in the store when it opens again?',
    answers: [
      {
        text: 'All 5: they were acknowledged',
        why: 'Acknowledged means: in the log. The last bytes of the log were in the memory of the operating system, and that is lost with the power.',
      },
      {
        text: '1: only the third was synced',
        why: 'A sync is for the whole file. The first two puts stand in the same log before the third, so they became durable with it.',
      },
      {
        text: '3: the third, and all before it',
        why: scene =>
          `${counted(pictureOf(scene, 'memtable').memtables[0].entries, 'entry', 'entries')} came back from the log. A store keeps the writes up to some moment, never a later one without an earlier one.`,
      },
      {
        text: 'None: the memtable was in memory',
        why: 'The memtable is lost, but the log has the same entries. The opening reads the log and makes the memtable again.',
      },
    ],
    right: 2,
    measured: scene => [5, 1, 3, 0].indexOf(pictureOf(scene, 'memtable').memtables[0].entries),
  },
  steps: [
    {
      title: 'Two puts at risk',
      at: { outcome: 2 },
      lit: [{ drawing: 'Files' }, { drawing: 'Log' }],
      text: scene =>
        `Both puts are acknowledged, and ${counted(unsynced(scene), 'byte')} of the log are not synced. If the process ended now, they would still be there: the operating system has them. If the power failed now, any part of them might be gone.`,
    },
    {
      title: 'A sync for the whole file',
      at: { next: 'log.commit' },
      lit: [{ drawing: 'Log' }, { drawing: 'Files' }],
      text: scene => {
        const [{ syncedBytes, entries }] = pictureOf(scene, 'log').logs
        return `The third put asked for a sync. The log is durable up to byte ${number(syncedBytes)} now, and that is ${counted(entries, 'put')}. The first two did not ask, but they stand before it in the same file.`
      },
    },
    {
      title: 'At risk again',
      at: { operation: PUTS.length + 1 },
      lit: [{ drawing: 'Log' }, { drawing: 'Files' }],
      text: scene =>
        `Two more puts came, so ${counted(unsynced(scene), 'byte')} are not synced. Here the power fails. The panel "Power loss" shows every image of the files that might be left at this position.`,
    },
    {
      title: 'The opening reads the log',
      at: { next: 'log.replay' },
      lit: [{ drawing: 'Log' }, { drawing: 'Memtable' }],
      text: ({ moment }) =>
        `${moment!.sentence} Recovery reads from the beginning and stops at the first frame that is not intact. What comes behind it was never promised.`,
    },
    {
      title: 'What is there',
      at: { outcome: PUTS.length + 2 },
      lit: [{ drawing: 'Memtable' }],
      text: scene =>
        `The range finds ${counted(pictureOf(scene, 'memtable').memtables[0].entries, 'entry', 'entries')}: the writes up to the last sync. No later one is there without an earlier one. That is the promise, wherever the power fails.`,
    },
  ],
  free: {
    title: 'Lose nothing',
    text: 'Write three more keys in such a way that they survive. Then let the power fail, and go on with the store that has kept nothing that was not synced. Get the three keys: all must be there.',
    hint: 'Put with "sync", or type "sync" afterwards. In the panel "Power loss" choose the image in which nothing unsynced is left, and go on with this store.',
    conditions: ({ now, before }) => {
      const added = parsed(now.script.slice(PUTS.length + 2)).flatMap(line => ('operation' in line ? [line.operation] : []))
      const crash = added.findLastIndex(({ type }) => type === 'crash')
      const image = crash < 0 ? undefined : added[crash]
      const isWorst = image?.type === 'crash' && (image.image === 'none' || (Array.isArray(image.image) && image.image.length === 0))
      const written = new Set(
        added
          .slice(0, Math.max(0, crash))
          .map(each => (each.type === 'in' ? each.operation : each))
          .flatMap(each => (each.type === 'put' ? [each.key] : each.type === 'batch' ? each.operations.map(({ key }) => key) : [])),
      )
      const asked = new Set(added.slice(crash + 1).flatMap(each => (each.type === 'get' && written.has(each.key) ? [each.key] : [])))
      const missed = now.lanes[0].missing - before.lanes[0].missing
      return [
        { text: `${counted(written.size, 'key')} written before the power fails (3 at least).`, isMet: written.size >= DURABLE },
        { text: 'The power has failed, and nothing unsynced was kept.', isMet: isWorst },
        {
          text: `Gets after it asked for ${counted(asked.size, 'of these keys', 'of these keys')} (3 at least), and missed ${number(missed)} (none).`,
          isMet: asked.size >= DURABLE && missed === 0,
        },
      ]
    },
  },
  challenges: [],
}
