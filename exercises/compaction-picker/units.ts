import assert from 'node:assert/strict'
import { TableFile, type Level, type LeveledOptions } from 'kvarium/lsm'

export interface Choice {
  readonly score: number
  readonly inputs: readonly (readonly TableFile[])[]
  readonly outputLevel: number
  readonly move: boolean
}

export type PickCompaction = (levels: readonly Level[], options: LeveledOptions) => Choice | undefined

const OPTIONS: LeveledOptions = { level0Tables: 3, level1Bytes: 1000, fanOut: 10 }

/** `a-f` is a table of 100 bytes with keys from a to f; `a-f:250` has 250 bytes. */
type Table = string

let lastNumber = 0

function table(text: Table, level: number, run: number): TableFile {
  const [bounds, bytes = '100'] = text.split(':')
  const [smallest, largest] = bounds.split('-').map(key => new TextEncoder().encode(key))
  const counts = { entries: 1, tombstones: 0, rangeTombstones: 0, rawBytes: 1, minSequence: run, maxSequence: run }
  return new TableFile({ number: ++lastNumber, level, run, fileBytes: Number(bytes), smallest, largest, ...counts })
}

/** Level 0 as runs, newest first; the deeper levels as one run each. */
function tree(level0: readonly Table[], ...deeper: readonly (readonly Table[])[]): Level[] {
  const runs = level0.map((text, i) => ({ id: level0.length - i, tables: [table(text, 0, level0.length - i)] }))
  const levels = deeper.map((tables, i) => (tables.length === 0 ? [] : [{ id: 0, tables: tables.map(text => table(text, i + 1, 0)) }]))
  return [runs, ...levels]
}

/** The inputs as `a-f`, run by run. */
function shown(choice: Choice): string {
  const name = ({ meta }: TableFile): string => [meta.smallest, meta.largest].map(key => new TextDecoder().decode(key)).join('-')
  return choice.inputs.map(run => run.map(name).join(' ')).join(' | ')
}

function picked(pick: PickCompaction, levels: readonly Level[]): Choice {
  const choice = pick(levels, OPTIONS)
  assert.ok(choice !== undefined, 'a level whose score is 1 or more is full: something has to be picked')
  return choice
}

export const units = [
  {
    name: 'a tree in shape is left alone',
    check(pick: PickCompaction): void {
      assert.equal(pick([], OPTIONS), undefined, 'an empty tree has nothing to compact')
      const levels = tree(['a-f', 'b-g'], ['a-c:400', 'd-k:500'], ['a-z:9000'])
      assert.equal(pick(levels, OPTIONS), undefined, 'no level is full: to compact all the same would never end')
    },
  },
  {
    name: 'a level that just reaches its target is full',
    check(pick: PickCompaction): void {
      assert.equal(picked(pick, tree(['a-f', 'b-g', 'c-d'])).score, 1, 'level 0 is full when it has level0Tables tables, not one more')
      assert.equal(picked(pick, tree([], ['a-c:1000'])).score, 1, 'level 1 is full when it has level1Bytes bytes, not one more')
    },
  },
  {
    name: 'level 0 is counted in tables',
    check(pick: PickCompaction): void {
      assert.equal(
        pick(tree(['a-f:5000', 'b-g:5000']), OPTIONS),
        undefined,
        'level 0 counts tables, not bytes: each of them costs a read one more look',
      )
      assert.equal(picked(pick, tree(['a-b:1', 'c-d:1', 'a-d:1'])).outputLevel, 1, 'small tables fill level 0 as large ones do')
    },
  },
  {
    name: 'each level holds fanOut times as many bytes as the one above',
    check(pick: PickCompaction): void {
      assert.equal(
        pick(tree([], [], ['a-z:9999']), OPTIONS),
        undefined,
        'the target of level 2 is level1Bytes × fanOut: that of level 1 is level1Bytes itself',
      )
      assert.equal(picked(pick, tree([], [], ['a-z:20000'])).score, 2, 'the score is bytes / (level1Bytes × fanOut ^ (level − 1))')
      assert.equal(picked(pick, tree([], [], [], ['a-z:150000'])).score, 1.5, 'the score is bytes / (level1Bytes × fanOut ^ (level − 1))')
    },
  },
  {
    name: 'the fullest level goes first',
    check(pick: PickCompaction): void {
      const levels = tree(['a-f', 'b-g', 'c-d'], ['a-c:1500'], ['a-c:25000'])
      assert.equal(picked(pick, levels).outputLevel, 3, 'the level with the highest score is picked, not the first that is full')
      assert.equal(
        picked(pick, tree(['a-f', 'b-g', 'c-d', 'e-f'], ['a-c:1100'])).outputLevel,
        1,
        'the level with the highest score is picked, not the deepest that is full',
      )
    },
  },
  {
    name: 'all tables of level 0 go down together, the newest run first',
    check(pick: PickCompaction): void {
      const choice = picked(pick, tree(['a-f', 'b-g', 'c-d']))
      assert.equal(
        choice.inputs.flat().length,
        3,
        'tables of level 0 overlap: one that goes down alone is older for reads than those that stay',
      )
      assert.equal(shown(choice), 'a-f | b-g | c-d', 'inputs are runs, newest first, as the level has them')
      assert.equal(choice.outputLevel, 1)
      assert.equal(choice.move, false, 'tables that overlap each other have to be merged: a level below 0 holds one sorted run')
    },
  },
  {
    name: 'what the next level has of these keys is merged with them',
    check(pick: PickCompaction): void {
      const level0 = picked(pick, tree(['k-m', 'p-r', 'b-c'], ['a-b', 'd-e', 'f-l', 'q-q', 's-z']))
      assert.equal(
        shown(level0),
        'k-m | p-r | b-c | a-b d-e f-l q-q',
        'all of level 1 within the bounds of all of level 0 takes part, the gaps included, as one last run',
      )
      const level1 = picked(pick, tree([], ['f-k:1200'], ['a-e', 'g-h', 'j-m', 'n-z']))
      assert.equal(shown(level1), 'f-k | g-h j-m', 'the tables of the next level that share keys, and no others')
    },
  },
  {
    name: 'a table that nothing lies under moves, without a merge',
    check(pick: PickCompaction): void {
      const alone = picked(pick, tree([], ['f-k:1200'], ['a-e', 'l-z']))
      assert.deepEqual([shown(alone), alone.move], ['f-k', true], 'no overlap below: the table may just change its level')
      const apart = picked(pick, tree(['a-b', 'e-f', 'c-d']))
      assert.equal(apart.move, true, 'tables of level 0 that share no keys, with none below, may just change their level')
      assert.equal(
        picked(pick, tree([], ['f-k:1200'], ['a-g'])).move,
        false,
        'where the next level shares keys, a move would leave two versions in one run',
      )
    },
  },
  {
    name: 'the table goes down that costs the next level least, byte for byte',
    check(pick: PickCompaction): void {
      const few = picked(pick, tree([], ['a-c:500', 'd-f:500', 'g-i:500'], ['a-b:900', 'd-e:300', 'g-h:600']))
      assert.equal(
        shown(few),
        'd-f | d-e',
        'the table with the fewest bytes to rewrite below, for each byte of its own, not just the first',
      )
      const share = picked(pick, tree([], ['a-c:200', 'd-f:1000'], ['a-b:400', 'd-e:800']))
      assert.equal(shown(share), 'd-f | d-e', 'bytes below count for each byte that goes down: 800 for 1000 is less than 400 for 200')
    },
  },
]
