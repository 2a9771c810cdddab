import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { WriteBatch } from '../../src/engine/batch.js'
import { hashEngine } from '../../src/hash/factory.js'
import { inspectFile } from '../../src/inspect/inspect-file.js'
import type { Span } from '../../src/inspect/span.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import { fillOptions, keyOf } from '../contract/support/opened-engine.js'

const text = readFileSync(new URL('../../docs/formats/hash.md', import.meta.url), 'utf8')
const documented = [...text.matchAll(/```hex\n([\s\S]*?)```/g)].map(([, hex]) => hex.trimEnd())
const FILES = ['000001-000001-000001.data', '000001.hint']

function dump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)]
    const hex = row.map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    const shown = row.map(byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${shown}`)
  }
  return lines.join('\n')
}

async function example(): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  fileSystem.makeDirectory('/store')
  const factory = hashEngine()
  const environment = simulatedEnvironment({ seed: 1, fileSystem })
  const engine = await factory.open({ environment, directory: '/store', created: true, options: fillOptions(factory) })
  for (const [key, value] of [['a', 'one'], ['b', 'two'], ['a'], ['c', '']]) {
    const batch = new WriteBatch()
    if (value === undefined) batch.del(keyOf(key))
    else batch.put(keyOf(key), keyOf(value))
    await engine.write(batch, { sync: false })
  }
  await engine.close()
  return fileSystem
}

describe('the files of the hash engine', () => {
  it('are byte for byte those of the worked example', async () => {
    const fileSystem = await example()
    const dumps = FILES.map(name => {
      const handle = fileSystem.openRead(`/store/${name}`)
      const bytes = new Uint8Array(handle.size())
      handle.read(bytes, 0)
      return dump(bytes)
    })
    expect(dumps).toEqual(documented)
  })

  it.each(FILES)('are shown down to the last byte: %s', async name => {
    const inspection = await inspectFile(`/store/${name}`, { fileSystem: await example() })
    const parts = [...inspection.parts()]
    const leaves = (spans: readonly Span[]): Span[] => spans.flatMap(span => (span.children === undefined ? [span] : leaves(span.children)))
    let at = 0
    for (const { offset, length } of leaves(parts)) {
      expect(offset).toBe(at)
      at += length
    }
    expect(at).toBe(inspection.bytes)
    expect(inspection.problems).toEqual([])
    inspection.close()
  })
})
