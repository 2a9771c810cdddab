/** docs/compared-with.md names tests and limits: both must be there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BTREE_OPTIONS } from '../../src/btree/options.js'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../../src/codec/limits.js'
import { MAX_BATCH_BYTES } from '../../src/engine/batch.js'
import { LSM_OPTIONS } from '../../src/lsm/options.js'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/compared-with.md'), 'utf8')
const sections = page.split(/^## /m).slice(1)

/** A named test: the file that was named last, and what it has in quotes after that. */
interface NamedTest {
  readonly path: string
  readonly name: string
}

/** Text without the line breaks of the page and of the source, and without the marks of a string. */
const flat = (text: string): string => text.replace(/\\'/g, "'").replace(/\s+/g, ' ')

function namedTests(section: string): NamedTest[] {
  const [, list = ''] = section.split(/^Tests?: /m)
  const found: NamedTest[] = []
  let path = ''
  for (const [, file, name] of flat(list).matchAll(/`(tests\/[^`]+)`|"([^"]+)"/g)) {
    if (file !== undefined) path = file
    else found.push({ path, name })
  }
  return found
}

const MIB = 2 ** 20

describe('the page of comparisons', () => {
  it.each(sections.map(section => [section.split('\n', 1)[0], section] as const))(
    '%s: its answer is held by tests that exist',
    (_question, section) => {
      const named = namedTests(section)
      expect(named.length).toBeGreaterThan(0)
      for (const { path, name } of named) expect(flat(readFileSync(join(ROOT, path), 'utf8')), path).toContain(name)
    },
  )

  it('its limits and defaults are those of the code', () => {
    const text = flat(page)
    expect(text).toContain(`1 GiB (${MAX_VALUE_BYTES} bytes)`)
    expect(text).toContain(`2 MiB (${MAX_KEY_BYTES} bytes)`)
    expect(text).toContain(`up to ${LSM_OPTIONS.maxOpenFiles.default} tables open`)
    expect(text).toContain(`three times \`writeBufferSize\` (${LSM_OPTIONS.writeBufferSize.default / MIB} MiB)`)
    expect(text).toContain(`\`cacheSize\` (${LSM_OPTIONS.cacheSize.default / MIB} MiB) for blocks`)
    expect(text).toContain(`\`writeBufferSize\` (${BTREE_OPTIONS.writeBufferSize.default / MIB} MiB) starts`)
    expect(text).toContain(`\`cacheSize\` (${BTREE_OPTIONS.cacheSize.default / MIB} MiB) holds`)
  })

  it('the README leads to it, and has its limits', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    expect(readme).toContain('(docs/compared-with.md)')
    expect(readme).toContain(`A key has at most ${MAX_KEY_BYTES / MIB} MiB, a value or a batch at most ${MAX_BATCH_BYTES / 2 ** 30} GiB`)
  })
})
