/** The output of each example equals a file; after an intended change, `npx vitest run tests/examples -u` rewrites it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { catalog } from '../../examples/lab/catalog.js'
import { record } from '../../examples/lab/lab.js'
import { transcript } from '../../examples/lab/transcript.js'
import { slice } from '../support/thoroughness.js'
import { chapterProblems } from './support/chapter.js'

/** Enough for two runs of a few seconds each on a busy machine. */
const TIMEOUT_MS = 120_000
const GUIDE = join(import.meta.dirname, '../../docs/guide')

describe.each(catalog())('example $number', ({ number, name, load }) => {
  const title = `${String(number).padStart(2, '0')}-${name}`

  test(
    'prints the same in every run, and agrees with its chapter',
    async () => {
      const recording = await record(number, name, await load())
      const first = transcript(recording)
      await expect(first).toMatchFileSnapshot(`transcripts/${title}.txt`)
      const chapter = join(GUIDE, `${title}.md`)
      expect(existsSync(chapter), `docs/guide has a chapter ${title}.md`).toBe(true)
      expect(chapterProblems(chapter, readFileSync(chapter, 'utf8'), recording, first)).toEqual([])
      // In one process, as a reader who starts it again from the stepper does. Runs of other processes are the file's.
      if (slice(number === 1, true)) expect(transcript(await record(number, name, await load()))).toBe(first)
    },
    TIMEOUT_MS,
  )
})

test('every chapter has its example', () => {
  const chapters = readdirSync(GUIDE).filter(file => /^\d/.test(file))
  expect(chapters.sort()).toEqual(catalog().map(({ number, name }) => `${String(number).padStart(2, '0')}-${name}.md`))
})

test('the list of chapters has every example with its title and question, and no other', async () => {
  const rows = readFileSync(join(GUIDE, 'README.md'), 'utf8').matchAll(/^\| \[(.+)\]\((.+)\) +\| (.+?) +\|$/gm)
  const listed = [...rows].map(([, title, file, question]) => ({ title, file, question }))
  const examples = catalog().map(async ({ number, name, load }) => {
    const file = `${String(number).padStart(2, '0')}-${name}.md`
    const title = /^# (.+)$/m.exec(readFileSync(join(GUIDE, file), 'utf8'))?.[1]
    return { title, file, question: (await load()).question }
  })
  expect(listed).toEqual(await Promise.all(examples))
})

test('the put of example 1 costs what its fields add up to', async () => {
  const { numbers } = await record(1, '', await catalog()[0].load())
  // Frame header 16, first sequence 8, operations 4, kind 1, two lengths of 1, key 3, value 4.
  expect(numbers['put-bytes']).toBe(16 + 8 + 4 + 1 + 1 + 3 + 1 + 4)
})
