import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const SRC = join(import.meta.dirname, 'src')

export default defineConfig({
  // Examples import the package by its name; in tests that is the source, as it is for the compiler.
  resolve: {
    alias: [
      { find: /^kvarium$/, replacement: join(SRC, 'index.ts') },
      { find: /^kvarium\/vfs\/node$/, replacement: join(SRC, 'vfs/node.ts') },
      { find: /^kvarium-lab\/(\w+)$/, replacement: join(import.meta.dirname, 'packages/lab/src/$1/index.ts') },
      { find: /^kvarium\/(\w+)$/, replacement: join(SRC, '$1/index.ts') },
    ],
  },
  test: {
    environment: 'node',
    include: ['tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
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
