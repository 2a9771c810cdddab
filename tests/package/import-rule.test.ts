import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeBreach, findBreaches } from './support/import-rules.js'

const ROOT = join(import.meta.dirname, '../..')

function readSources(): Map<string, string> {
  const read = (folder: string, prefix: string): [string, string][] =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => /\.tsx?$/.test(name))
      .sort()
      .map(name => [`${prefix}${name}`, readFileSync(join(ROOT, folder, name), 'utf8')])
  const packages = readdirSync(join(ROOT, 'packages')).map(name => `packages/${name}/src`)
  return new Map([...read('src', ''), ...packages.flatMap(folder => read(folder, `${folder}/`))])
}

const breachesOf = (files: Record<string, string>): string[] => findBreaches(new Map(Object.entries(files))).map(describeBreach)

describe('the import rule', () => {
  it('a lower layer that names an upper one, or Node, is found in src', () => {
    const sources = readSources()
    expect(sources.size).toBeGreaterThan(0)
    expect(findBreaches(sources).map(describeBreach)).toEqual([])
  })
})

describe('the checker of the import rule', () => {
  it.each([
    ['an import up the layers', 'sstable/reader.ts', `import { a } from '../lsm/version.js'`, `layer 'sstable' may import only`],
    ['a type import up the layers', 'codec/block.ts', `import type { A } from '../engine/contract.js'`, `layer 'codec' may import only`],
    ['an inline type import', 'wal/reader.ts', `export const a: import('../store/kvarium.js').A = 1`, `layer 'wal' may import only`],
    ['a re-export up the layers', 'vfs/memory.ts', `export * from '../lsm/engine.js'`, `layer 'vfs' may import only`],
    ['two structures that know each other', 'wal/writer.ts', `import '../skiplist/arena.js'`, `layer 'wal' may import only`],
    ['two engines that know each other', 'lsm/engine.ts', `import '../btree/page.js'`, `layer 'lsm' may import only`],
    ['an engine contract that knows an engine', 'engine/registry.ts', `import '../lsm/engine.js'`, `layer 'engine' may import only`],
    ['errors that import anything', 'errors.ts', `import './codec/text.js'`, `layer 'errors' may import only nothing`],
    ['Node in the core', 'sstable/reader.ts', `import { readSync } from 'node:fs'`, 'only vfs/node/'],
    ['Node in the core, dynamically', 'lsm/engine.ts', `const fs = await import('node:fs')`, 'only vfs/node/'],
    ['Node in the core, required', 'lsm/engine.ts', `const fs = require('node:fs')`, 'only vfs/node/'],
    ['Node in the core, asked of the process', 'lsm/engine.ts', `const fs = process.getBuiltinModule('node:fs')`, 'only vfs/node/'],
    ['Node in the store', 'store/kvarium.ts', `import 'node:path'`, 'only vfs/node/'],
    ['Node without its prefix', 'vfs/node.ts', `import 'fs/promises'`, `write 'node:fs/promises'`],
    ['a worker file that reaches for files', 'lsm/compaction/worker/compaction-worker.ts', `import 'node:fs'`, 'and nothing else of Node'],
    ['worker threads outside the worker files', 'lsm/engine.ts', `import 'node:worker_threads'`, 'only vfs/node/'],
    [
      'the core importing a Node file',
      'lsm/engine.ts',
      `import { nodeFileSystem } from '../vfs/node.js'`,
      'a file that needs Node is imported only by',
    ],
    [
      'the browser entry importing a Node file',
      'index.browser.ts',
      `export * from './vfs/node.js'`,
      'a file that needs Node is imported only by',
    ],
    ['abstract-level below the store', 'engine/contract.ts', `import 'abstract-level'`, `package 'abstract-level' belongs to store`],
    [
      'a package of the command in the library',
      'store/kvarium.ts',
      `import { parse } from 'csv-parse/sync'`,
      `package 'csv-parse' belongs to cli`,
    ],
    ['a store that knows the lab', 'store/kvarium.ts', `import 'kvarium-lab/report'`, `package 'kvarium-lab' belongs to cli`],
    ['a package that reaches past the public entries', 'packages/cli/src/main.ts', `import '../../../src/errors.js'`, 'by their names'],
    ['a package that is placed nowhere', 'lsm/engine.ts', `import '@scope/name/deep'`, `package '@scope/name' has no owner`],
    ['a computed import', 'lsm/engine.ts', `await import(name)`, 'import a literal path'],
    ['an import from outside src', 'lsm/engine.ts', `import '../../tests/support/setup.js'`, 'nothing of the project outside src'],
    ['Buffer in the core', 'codec/varint.ts', `const a = Buffer.alloc(1)`, 'there is no Buffer'],
    ['Buffer as a type in the core', 'codec/varint.ts', `let a: Buffer`, 'there is no Buffer'],
    ['a vague file name', 'codec/utils.ts', '', 'name the file after what it holds'],
    ['a vague folder name', 'codec/helpers/varint.ts', '', 'name the file after what it holds'],
    ['a barrel inside the package', 'codec/blocks/index.ts', '', 'index.ts is only for a public entry'],
    ['an import through a barrel', 'lsm/engine.ts', `import '../wal/index.js'`, 'index.ts is for users of the package'],
    ['a folder that is no layer', 'sql/parser.ts', '', 'no such layer'],
  ])('%s is a breach', (_what, file, source, rule) => {
    const breaches = breachesOf({ [file]: source })
    expect(breaches).toHaveLength(1)
    expect(breaches[0]).toContain(`${file}:1`)
    expect(breaches[0]).toContain(rule)
  })

  it('files importing each other in a circle is a breach, also by types and over a third', () => {
    expect(
      breachesOf({
        'btree/a.ts': `import type { B } from './b.js'`,
        'btree/b.ts': `import './c.js'`,
        'btree/c.ts': `export { a } from './a.js'`,
      }),
    ).toEqual([expect.stringContaining('files import each other in a circle: btree/a.ts -> btree/b.ts -> btree/c.ts -> btree/a.ts')])
  })

  it('the lowest layers importing each other in a circle is a breach', () => {
    const breaches = breachesOf({ 'vfs/metered.ts': `import '../trace/ledger.js'`, 'trace/ledger.ts': `import '../vfs/file-system.js'` })
    expect(breaches).toHaveLength(1)
    expect(breaches[0]).toMatch(/in a circle: (vfs -> trace -> vfs|trace -> vfs -> trace)/)
  })

  it('the line of the import is named', () => {
    expect(breachesOf({ 'wal/writer.ts': `// one\nimport type { A } from '../errors.js'\nimport '../lsm/engine.js'\n` })).toEqual([
      expect.stringContaining(`src/wal/writer.ts:3 imports '../lsm/engine.js'`),
    ])
  })

  it.each([
    ['the Node file system uses Node', 'vfs/node/node-lock.ts', `import 'node:net'; import 'node:fs'; Buffer.alloc(1)`],
    [
      'the worker files use threads and the Node file system',
      'lsm/compaction/worker/compaction-worker.ts',
      `import 'node:worker_threads'; import '../../../vfs/node/node-file-system.js'`,
    ],
    [
      'the command uses anything',
      'packages/cli/src/main.ts',
      `import 'node:os'; import 'commander'; import 'kvarium'; import 'kvarium-lab/report'; import 'kvarium/trace'; Buffer.alloc(1)`,
    ],
    [
      'the store names Buffer and abstract-level',
      'store/kvarium.ts',
      `import 'abstract-level'; import '../engine/contract.js'; Buffer.from('')`,
    ],
    ['UTF-8 detects Buffer', 'codec/text.ts', `export const a = (globalThis as { Buffer?: unknown }).Buffer`],
    ['the entry brings Node in', 'index.ts', `export * from './vfs/node.js'; export * from './engine/index.js'`],
    ['a comment or a string that names Buffer', 'lsm/engine.ts', `// Buffer\nexport const a = "Buffer", b = new ArrayBuffer(1)`],
  ])('%s is no breach', (_what, file, source) => {
    expect(breachesOf({ [file]: source })).toEqual([])
  })
})
