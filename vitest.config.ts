import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const SRC = join(import.meta.dirname, 'src')

/**
 * Tests that start processes or threads, open browsers, pack packages, replace modules or change the working directory. Each file has a process
 * of its own.
 */
const PROCESSES = [
  'tests/{clients,package,processes}/**/*.test.ts',
  'tests/**/browser.test.ts',
  'tests/bench/command.test.ts',
  'tests/btree/empty-leaf.test.ts',
  'tests/cli/{broken-pipe,completion-command,readme}.test.ts',
  'tests/explore/program.test.ts',
  'tests/examples/{example-command,examples,replay-page}.test.ts',
  'tests/lsm/worker-executor.test.ts',
  'tests/reader/threads.test.ts',
  'tests/skiplist/arena.test.ts',
  'tests/store/{abstract-level,checkpoint,copies,working-directory}.test.ts',
  'tests/torture/torture.test.ts',
  'tests/vfs/{environment,lock}.test.ts',
]

/** Other tests that take more than a few seconds: they crash and damage stores by the thousand, or run on real disks. */
const LONG = [
  'tests/{bench,cli,damage,examples,exercises,torture}/**/*.test.ts',
  'tests/**/{crash*,*-on-disk,sessions,fold-shape}.test.ts',
  'tests/backup/{hostile-places,update-in-place}.test.ts',
  'tests/contract/{btree,hash,lsm}.test.ts',
  'tests/engine/{changes-after-crashes,missing-log}.test.ts',
  'tests/inspect/damaged-files.test.ts',
  'tests/lab/{compare/comparison-run-report,predict/predict,predict/simulator}.test.ts',
  'tests/lsm/{clears,descriptors,fill-and-clear,ingest,trace}.test.ts',
  'tests/observe/{json-lines,receipt-book,receipt-engines}.test.ts',
  'tests/reader/{damage,moment}.test.ts',
  'tests/repair/{commands,cuts,in-place,repair}.test.ts',
  'tests/store/{for-await-rules,lsm-store}.test.ts',
  'tests/trace/attribution.test.ts',
]

export default defineConfig({
  // Examples import the package by its name; in tests that is the source, as it is for the compiler.
  resolve: {
    alias: [
      { find: /^kvarium$/, replacement: join(SRC, 'index.ts') },
      { find: /^kvarium\/vfs\/node$/, replacement: join(SRC, 'vfs/node.ts') },
      { find: /^kvarium\/browser\/worker$/, replacement: join(SRC, 'browser/worker.ts') },
      { find: /^kvarium\/vfs\/opfs$/, replacement: join(SRC, 'opfs/index.ts') },
      { find: /^kvarium-lab\/(\w+)$/, replacement: join(import.meta.dirname, 'packages/lab/src/$1/index.ts') },
      { find: /^kvarium-exercises\/(.+)$/, replacement: join(import.meta.dirname, 'exercises/$1.ts') },
      { find: /^kvarium\/(keyv|unstorage)$/, replacement: join(SRC, 'drivers/$1.ts') },
      { find: /^kvarium\/(\w+)$/, replacement: join(SRC, '$1/index.ts') },
    ],
  },
  test: {
    environment: 'node',
    // Where files share a process they share the modules that they import: to load these anew takes longer than most tests.
    projects: [
      { extends: true, test: { name: 'fast', include: ['tests/**/*.test.ts'], exclude: [...LONG, ...PROCESSES], isolate: false } },
      { extends: true, test: { name: 'long', include: LONG, exclude: PROCESSES, isolate: false } },
      { extends: true, test: { name: 'processes', include: PROCESSES } },
    ],
    setupFiles: ['tests/support/setup.ts'],
    // Processes, not threads: tests kill, lock and start workers of their own.
    pool: 'forks',
    // One more than the machine of CI has cores: some of the tests wait for a process or a disk.
    maxWorkers: 3,
    // The default import of a CommonJS module is its module.exports, as it is in Node.
    deps: { interopDefault: false },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // On CI a report for machines as well; .ci/run takes its closing count from it.
    reporters: process.env['CI'] === undefined ? ['default'] : ['default', ['json', { outputFile: '.tmp/vitest.json' }]],
  },
})
