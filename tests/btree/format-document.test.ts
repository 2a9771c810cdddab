import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { dump, exampleFile } from './support/example-file.js'

it('the worked example of the format document is byte for byte what the engine writes', async () => {
  const text = readFileSync(new URL('../../docs/formats/btree.md', import.meta.url), 'utf8')
  const documented = /```hex\n([\s\S]*?)```/.exec(text)![1].trimEnd()
  expect(dump(await exampleFile())).toBe(documented)
})
