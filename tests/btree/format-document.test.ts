import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { dump, exampleFile } from './support/example-file.js'

it.each(['none', 'lz4'] as const)('the worked example with compression %s is byte for byte what the engine writes', async compression => {
  const text = readFileSync(new URL('../../docs/formats/btree.md', import.meta.url), 'utf8')
  const documented = [...text.matchAll(/```hex\n([\s\S]*?)```/g)].map(([, hex]) => hex.trimEnd())
  expect(dump(await exampleFile(compression))).toBe(documented[compression === 'none' ? 0 : 1])
})
