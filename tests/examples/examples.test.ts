import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bundledProgram } from '../support/bundled-program.js'
import { slice } from '../support/thoroughness.js'

const ROOT = join(import.meta.dirname, '../..')

/** What each program of the folder must say. The other files are parts of them. */
const OUTPUTS: Readonly<Record<string, readonly string[]>> = {
  'hello.ts': ['apple is red', 'banana is yellow (without waiting)', 'banana is undefined now and was yellow', 'cherry = dark red'],
  'structured-values.ts': ['Ada was born in 1815', 'Alan was born in 1912'],
  'sublevels.ts': [
    'the first order of ada: tea in 2026',
    "ada bought tea in orders [ '001', '003' ]",
    "'!orders!!ada!!items!tea/003'",
    "without ada: [ '!orders!!grace!!items!pot/001', '!orders!!grace!001', 'last order' ]",
  ],
  'snapshots-and-iterators.ts': [
    'visits in two weeks: 910',
    'after the 25th: 2026-06-26',
    "the iterator still sees: [ '2026-06-29', '2026-06-30' ]",
    'then 30 days, now 11',
    'then 0 visits on the first, now undefined',
  ],
  'durable-batches.ts': ['after a kill: ada 65, grace 135', 'after a power loss: ada 70, grace 130', '100 durable puts took 2 syncs'],
  'readers-in-threads.ts': ['words in the shared moment: 8000', 'open readers: 2', 'words now: 12000'],
  'bulk-load.ts': ['42 degrees', 'LEVEL_INGEST_ORDER', 'undefined'],
  'checkpoint.ts': ['the store: 6 days', 'the copy: 9 days, the last of them visits/09', 'LEVEL_ALREADY_EXISTS'],
  'following-changes.ts': ['entries; the second store, killed', 'is equal'],
  'copy-store.ts': ['3 entries, 46 bytes of keys and values', 'btree: { moons: 2 }'],
  'reading-only.ts': [
    'while it is written: LEVEL_LOCKED',
    'reader 2: mars is red',
    'a write: LEVEL_READ_ONLY',
    'while it is read: LEVEL_LOCKED',
  ],
  'watching-a-store.ts': ['flushes that ended well: ', 'jobs that failed: 0', '= bytes put × 1.'],
  'expiring-cache.ts': [
    "at once: [ { title: 'Home' }, { title: 'News of this moment' } ]",
    "260 ms later: [ { title: 'Home' }, undefined ]",
    'keys in the store: 1',
  ],
  'custom-engine.ts': ['from the engine array', 'array: 1800 entries, write amplification 0.00, all right', 'they hold the same'],
}
/** An engine and a workload: custom-engine.ts uses the one, lab/compare/own-modules.test.ts both. */
const PARTS = ['array-engine.ts', 'delivery-log.ts']

describe('the examples', () => {
  it('no program is left untried', () => {
    // Numbered ones have transcripts; the folder is what those are made with.
    const programs = readdirSync(join(ROOT, 'examples')).filter(name => name.endsWith('.ts') && !/^\d\d-/.test(name))
    expect(programs.sort()).toEqual([...Object.keys(OUTPUTS), ...PARTS].sort())
  })

  it.each(Object.entries(OUTPUTS))('%s runs and says what it should', (name, lines) => {
    const output = execFileSync(process.execPath, [bundledProgram(join(ROOT, 'examples', name))], { cwd: ROOT, encoding: 'utf8' })
    for (const line of lines) expect(output).toContain(line)
  })

  it.runIf(slice(false, true))(
    'a follower that is killed at any change ends up equal to what it follows',
    () => {
      const program = bundledProgram(join(ROOT, 'examples/following-changes.ts'))
      for (let seed = 2; seed <= 11; seed++) {
        const output = execFileSync(process.execPath, [program, '12', String(seed)], { cwd: ROOT, encoding: 'utf8' })
        expect(output, `seed ${seed}`).toContain('is equal')
      }
    },
    120_000,
  )
})
