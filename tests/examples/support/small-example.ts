/** A short run with something of everything: questions, calls, events, a table, lines, two engines. */
import { record, type Example, type Lab } from '../../../examples/lab/lab.js'
import type { Recording } from '../../../packages/lab/src/replay/items.js'

const lsmExample: Example = {
  question: 'What is a small run?',
  async run(lab: Lab) {
    lab.heading('A small run')
    lab.say('A few puts, a flush, a get.')
    const db = await lab.open('/small', { name: 'animals', writeBufferSize: 16384, level0Tables: 2 })
    await lab.do(db, 'put("cat", "meow")', () => db.put('cat', 'meow'), ['log'])
    lab.predict('How many tables does a flush make?')
    await lab.do(db, 'flush', () => db.flush(), ['table'])
    lab.reveal('One table', 'There is little in the memtable.')
    await lab.do(db, 'many puts', async () => {
      for (let i = 0; i < 40; i++) await db.put(`key${String(i).padStart(3, '0')}`, 'v'.repeat(20))
    })
    await lab.do(db, 'flush again', () => db.flush())
    await lab.do(db, 'get("cat")', () => db.get('cat'), ['operation'], String)
    await lab.do(db, 'compact', () => db.compactRange())
    lab.table('Sizes', ['part', 'bytes'], [['<script>alert(1)</script>', 1234]])
    lab.lines('A drawing', ['a--b', '   |'])
    await db.close()
  },
}

const bothExample: Example = {
  question: 'What are two small runs?',
  async run(lab: Lab) {
    await lsmExample.run(lab)
    const tree = await lab.open('/tree', { name: 'plants', engine: 'btree' })
    await lab.do(tree, 'put("oak", "tall")', () => tree.put('oak', 'tall'))
    await lab.do(tree, 'flush', () => tree.flush())
    await lab.do(tree, 'get("oak")', () => tree.get('oak'), [], String)
    await tree.close()
  },
}

/** A store over an LSM tree, called "animals". */
export const smallRecording = (): Promise<Recording> => record(99, 'small', lsmExample)

/** And then of a B+tree, called "plants". */
export const recordingOfBoth = (): Promise<Recording> => record(98, 'both', bothExample)
