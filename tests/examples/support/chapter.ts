/**
 * Checks a chapter of the guide against the run that it describes. A measured number carries the name under which the example recorded it,
 * as an invisible comment: `38<!-- put-bytes -->`. A block of `text` is a piece of the transcript. No other number is allowed in the
 * text, so that none can become untrue.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Recording } from '../../../packages/lab/src/replay/items.js'

const MARKED = /(-?\d[\d,.]*)<!-- ([a-z0-9-]+) -->/g
/** In these, a number is no claim about the run: `no program` says why a block of code is not tried. Numerals that belong to a name (`L0`, `xxHash32`) do not count either. */
const EXEMPT = [
  /^<!-- no program: .*-->$/gm,
  /^#.*$/gm,
  /^\d+\.(?= )/gm,
  /\]\([^)]*\)/g,
  /`[^`\n]*[A-Za-z_(){}=][^`\n]*`/g,
  /\[chapter \d+/gi,
  /[A-Za-z]\w*\d\w*/g,
]

/** What is wrong with a chapter, one line each. */
export function chapterProblems(path: string, markdown: string, { numbers }: Recording, transcript: string): string[] {
  const [body, sources] = splitAt(markdown, '\n## Sources\n')
  const problems: string[] = []
  if (sources === undefined) problems.push('there is no section "Sources"')
  if ((body.match(/<details>/g) ?? []).length < 3)
    problems.push('there are fewer than three checkpoint questions with their answers (<details>)')

  const said = transcript.split('\n').map(line => line.trim())
  const text = body.replaceAll(/^```(\w*)\n([\s\S]*?)^```$/gm, (_, language: string, code: string) => {
    if (
      language === 'text' &&
      !contains(
        said,
        code
          .trimEnd()
          .split('\n')
          .map(line => line.trim()),
      )
    ) {
      problems.push(`the transcript does not say:\n${code}`)
    }
    return ''
  })
  for (const [, token, name] of text.matchAll(MARKED)) {
    const number = numbers[name]
    if (number === undefined) problems.push(`the run notes no number "${name}"`)
    else if (!says(token, number)) problems.push(`"${name}" is ${number}, not ${token}`)
  }
  const rest = EXEMPT.reduce((left, pattern) => left.replaceAll(pattern, ' '), text.replaceAll(MARKED, ' '))
  for (const [line] of rest.matchAll(/^.*\d.*$/gm)) problems.push(`a number without a name of the run: ${line.trim()}`)

  for (const [, target] of markdown.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
    if (!existsSync(join(dirname(path), target))) problems.push(`a link leads nowhere: ${target}`)
  }
  return problems
}

/** A numeral of the text stands for a number if it is that number, rounded to the digits that it shows. */
function says(token: string, number: number | string): boolean {
  const shown = token.replaceAll(',', '').replace(/\.$/, '')
  if (typeof number === 'string') return token === number
  const decimals = shown.split('.')[1]?.length ?? 0
  return Number(number.toFixed(decimals)) === Number(shown)
}

/** Whether the lines stand in the text one after the other. */
function contains(lines: readonly string[], wanted: readonly string[]): boolean {
  return lines.some((_, at) => wanted.every((line, i) => lines[at + i] === line))
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at)]
}
