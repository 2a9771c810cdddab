import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const SRC = join(import.meta.dirname, 'src')

/**
 * What `npm run test:fast` leaves out: folders whose tests start processes, open browsers, pack packages, or crash and damage stores by
 * the thousand, and single files of other folders that do so or take more than a few seconds.
 */
const SLOW = [
  'tests/{bench,cli,clients,damage,examples,exercises,package,processes,torture}/**/*.test.ts',
  'tests/**/{browser,crash*,*-on-disk,sessions,fold-shape}.test.ts',
  'tests/contract/{btree,lsm}.test.ts',
  'tests/engine/{changes-after-crashes,missing-log}.test.ts',
  'tests/inspect/damaged-files.test.ts',
  'tests/lab/{compare/comparison-run-report,predict/predict,predict/simulator}.test.ts',
  'tests/lsm/{clears,descriptors,fill-and-clear,ingest,trace,worker-executor}.test.ts',
  'tests/reader/{damage,moment,threads}.test.ts',
  'tests/repair/{commands,cuts,in-place,repair}.test.ts',
  'tests/skiplist/arena.test.ts',
  'tests/store/{abstract-level,copies,for-await-rules,lsm-store,working-directory}.test.ts',
  'tests/observe/{json-lines,receipt-book,receipt-engines}.test.ts',
  'tests/trace/attribution.test.ts',
  'tests/vfs/{environment,lock}.test.ts',
]

export default defineConfig({
  // Examples import the package by its name; in tests that is the source, as it is for the compiler.
  resolve: {
    alias: [
      { find: /^kvarium$/, replacement: join(SRC, 'index.ts') },
      { find: /^kvarium\/vfs\/node$/, replacement: join(SRC, 'vfs/node.ts') },
      { find: /^kvarium-lab\/(\w+)$/, replacement: join(import.meta.dirname, 'packages/lab/src/$1/index.ts') },
      { find: /^kvarium\/(keyv|unstorage)$/, replacement: join(SRC, 'drivers/$1.ts') },
      { find: /^kvarium\/(\w+)$/, replacement: join(SRC, '$1/index.ts') },
    ],
  },
  test: {
    environment: 'node',
    projects: [
      // The files of one worker share the modules that they import: to load these anew for each file takes longer than most tests.
      { extends: true, test: { name: 'fast', include: ['tests/**/*.test.ts'], exclude: SLOW, isolate: false } },
      { extends: true, test: { name: 'slow', include: SLOW } },
    ],
    setupFiles: ['tests/support/setup.ts'],
    // Processes, not threads: tests kill, lock and start workers of their own.
    pool: 'forks',
    maxWorkers: 2,
    // The default import of a CommonJS module is its module.exports, as it is in Node.
    deps: { interopDefault: false },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // On CI a report for machines as well; .ci/run takes its closing count from it.
    reporters: process.env['CI'] === undefined ? ['default'] : ['default', ['json', { outputFile: '.tmp/vitest.json' }]],
  },
})
