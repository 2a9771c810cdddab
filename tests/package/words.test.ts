import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const FILES = ['src', 'packages', 'docs', 'tests', 'examples', 'exercises', 'bench', 'scripts', '*.md']

/** Words that plain prose does without: each has a shorter one that says who or when. */
const WORDS = /\b(whoever|whomever|somebody|nobody|forth and back|as of there|lets go)\b/i
/** A comment that begins with "Of" has no subject. */
const OPENING = /(?:\/\*\*|\/\/) Of [a-z]/

/** What may say a word all the same: a name that a key or a field has, and this list. */
const EXEMPT = [/get\('nobody'\)/, /const WORDS = /]

function breachesIn(file: string): string[] {
  return readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      (WORDS.test(line) || OPENING.test(line)) && !EXEMPT.some(pattern => pattern.test(line))
        ? [`${file}:${index + 1}: ${line.trim()}`]
        : [],
    )
}

it('comments, messages, documents and test titles name their subject', () => {
  const files = execFileSync('git', ['ls-files', '-z', '--', ...FILES], { cwd: ROOT, encoding: 'utf8' }).split('\0')
  expect(files.filter(file => /\.(ts|md)$/.test(file)).flatMap(breachesIn)).toEqual([])
})
