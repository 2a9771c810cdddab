import { join } from 'node:path'
import vm from 'node:vm'
import type { BuildOptions } from 'esbuild'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const SRC = join(ROOT, 'src')

const PORTABLE_ENTRIES = [
  'src/codec/index.ts',
  'src/engine/index.ts',
  'src/memory/index.ts',
  'src/lsm/index.ts',
  'src/btree/index.ts',
  'src/hash/index.ts',
  'src/skiplist/index.ts',
  'src/sstable/index.ts',
  'src/wal/index.ts',
  'src/vfs/index.ts',
  'src/opfs/index.ts',
  'src/browser/index.ts',
  'src/browser/worker.ts',
  'src/trace/index.ts',
  'src/observe/index.ts',
  'src/index.browser.ts',
  'packages/lab/src/predict/index.ts',
]

/** Bundles for a browser into a script that leaves its exports in the global `bundle`; rejects on an import of Node. */
async function bundle(source: Pick<BuildOptions, 'entryPoints' | 'stdin'>): Promise<string> {
  const result = await build({
    ...source,
    bundle: true,
    write: false,
    platform: 'browser',
    target: 'es2023',
    format: 'iife',
    globalName: 'bundle',
    logLevel: 'silent',
    // As for an application: the project's own configuration leads the package's name to its source.
    tsconfigRaw: {},
  })
  return result.outputFiles[0].text
}

const bundleEntry = (entry: string): Promise<string> => bundle({ entryPoints: [join(ROOT, entry)] })

/** A fresh realm with the language's own globals and the few of the web that the core may use: no Buffer, no process. */
function webContext(): vm.Context {
  const context = vm.createContext({ TextEncoder, TextDecoder, performance, queueMicrotask, setTimeout, clearTimeout })
  expect(vm.runInContext('[typeof Buffer, typeof process, typeof require, typeof setImmediate].join()', context)).toBe(
    'undefined,undefined,undefined,undefined',
  )
  return context
}

function evaluate(script: string, use: string): unknown {
  return vm.runInContext(`${script}\n;(() => { ${use} })()`, webContext())
}

describe('the core in a browser', () => {
  it.each(PORTABLE_ENTRIES)('%s bundles without Node and loads where there is no Node', async entry => {
    const names = evaluate(await bundleEntry(entry), 'return Object.keys(bundle).join()')
    expect(names).not.toBe('')
  })

  it('the skiplist orders, finds and walks without Buffer or process', async () => {
    const answer = evaluate(
      await bundleEntry('src/skiplist/index.ts'),
      `let state = 1
       const random = { uint32: () => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) }
       const list = new bundle.Skiplist({ capacityBytes: 1 << 16, random })
       const bytes = text => new TextEncoder().encode(text)
       for (const name of ['pear', 'apple', 'quince', 'fig', 'pêche']) list.put(bytes(name), bytes(name.toUpperCase()))
       const text = view => new TextDecoder().decode(view.copy())
       const walked = []
       const cursor = list.cursor()
       for (let valid = cursor.first(); valid; valid = cursor.next()) walked.push(text(cursor.key))
       for (let valid = cursor.last(); valid; valid = cursor.prev()) walked.push(text(cursor.value))
       return JSON.stringify([walked, new TextDecoder().decode(list.get(bytes('fig'))), list.get(bytes('plum')) === undefined])`,
    )
    expect(JSON.parse(answer as string)).toEqual([
      ['apple', 'fig', 'pear', 'pêche', 'quince', 'QUINCE', 'PÊCHE', 'PEAR', 'FIG', 'APPLE'],
      'FIG',
      true,
    ])
  })
})

describe('the check for a browser', () => {
  const stdin = (contents: string): Promise<string> => bundle({ stdin: { contents, resolveDir: SRC } })

  it('an import of Node fails the bundle', async () => {
    await expect(stdin(`export { readSync } from 'node:fs'`)).rejects.toThrow(/node:fs/)
  })

  it('a use of a Node global fails at run time', async () => {
    const script = await stdin(`export const empty = Buffer.alloc(1)`)
    expect(() => evaluate(script, '')).toThrow(/Buffer is not defined/)
  })
})
