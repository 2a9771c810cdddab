import { describe, expect, it } from 'vitest'
import type { Recording } from '../../packages/lab/src/replay/items.js'
import { chapterProblems } from './support/chapter.js'

const RECORDING: Recording = { number: 1, name: 'x', question: '?', items: [], numbers: { bytes: 38, rate: 1.3312, many: 12_345 } }
const TRANSCRIPT = '> put\n    - 38 bytes are written\n  = done\n'
const FRAME = '<details></details>\n<details></details>\n<details></details>\n\n## Sources\n\nPugh 1990\n'

const problems = (text: string): string[] => chapterProblems('docs/guide/01-x.md', `# 1. X\n\n${text}\n${FRAME}`, RECORDING, TRANSCRIPT)

describe('a chapter of the guide', () => {
  it('may round what the run noted, group its digits and quote its transcript', () => {
    expect(
      problems('It is 38<!-- bytes --> bytes, 1.33<!-- rate --> or 12,345<!-- many -->.\n\n```text\n> put\n- 38 bytes are written\n```'),
    ).toEqual([])
    expect(problems('1. See `put(7)`, L0, [chapter 2](01-bytes-of-a-put.md) and xxHash32.')).toEqual([])
  })

  it.each([
    ['a number that the run does not have', 'It is 39<!-- bytes --> bytes.', '"bytes" is 38, not 39'],
    ['a number rounded wrongly', 'It is 1.34<!-- rate -->.', '"rate" is 1.3312, not 1.34'],
    ['a number that the run did not record', 'It is 38<!-- size --> bytes.', 'the run notes no number "size"'],
    ['a number without a name', 'It is 38 bytes.', 'a number without a name of the run: It is 38 bytes.'],
    ['a number dressed up as code', 'It is `38` bytes.', 'a number without a name of the run: It is `38` bytes.'],
    ['a transcript that is not said', '```text\n> put\n  = done\n```', 'the transcript does not say:\n> put\n  = done\n'],
    ['a link to nothing', 'See [here](nowhere.md).', 'a link leads nowhere: nowhere.md'],
  ])('%s is found', (_, text, problem) => {
    expect(problems(text)).toEqual([problem])
  })
})
