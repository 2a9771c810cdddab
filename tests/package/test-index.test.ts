import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const TESTS = join(import.meta.dirname, '..')
const OTHER_THAN_TESTS = /(^|\/)(support|fixtures|golden|transcripts|sessions|node_modules|__snapshots__)\//

const files = readdirSync(TESTS, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry =>
    join(entry.parentPath, entry.name)
      .slice(TESTS.length + 1)
      .replaceAll('\\', '/'),
  )
const tests = files.filter(file => file.endsWith('.test.ts') && !OTHER_THAN_TESTS.test(file)).sort()

it('the index of hazards names every test file once, and no file that is missing', () => {
  const named = [...readFileSync(join(TESTS, 'README.md'), 'utf8').matchAll(/^- .+: \[(.+)\]\((.+)\)$/gm)]
  for (const [line, text, target] of named) expect(text, line).toBe(target)
  expect(named.map(match => match[2]).sort()).toEqual(tests)
})

it('what is no test lies in a folder for what tests share, or is data', () => {
  const code = files.filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  expect(code.filter(file => !OTHER_THAN_TESTS.test(file))).toEqual([])
})
