import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../../../src/errors.js'
import { renderHtml } from '../../../packages/lab/src/report/html-page.js'
import { renderMarkdown } from '../../../packages/lab/src/report/markdown.js'
import { parseRunReport } from '../../../packages/lab/src/report/parse-run-report.js'
import { spreadOf, type RunReport } from '../../../packages/lab/src/report/run-report.js'
import { renderTerminal } from '../../../packages/lab/src/report/terminal.js'
import { withVerdict } from '../../../packages/lab/src/report/verdict-report.js'
import { smallRun } from './support/small-run.js'

type Json = Record<string, unknown>

/** A copy of the small report with one field replaced; `undefined` removes it. */
function withField(path: string, value: unknown): string {
  const report = structuredClone(withVerdict(smallRun())) as unknown as Json
  const steps = path.split('.')
  const last = steps.pop()!
  const parent = steps.reduce<Json>((at, step) => at[step] as Json, report)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return JSON.stringify(report)
}

describe('the JSON of a report', () => {
  it('comes back as it was', () => {
    for (const report of [smallRun(), withVerdict(smallRun())]) expect(parseRunReport(JSON.stringify(report))).toEqual(report)
  })

  it.each([
    ['work.seed', 'one', `The report's field work.seed must be a number, not "one"`],
    ['work.seed', undefined, `The report's field work.seed is missing`],
    ['work.seeed', 1, `The report's field work.seeed is not known: is seed meant?`],
    ['engines.0.write.settled.userBytes', -1, `The report's field engines[0].write.settled.userBytes must be a whole number of at least 0`],
    ['engines.0.timeline.samples.2.atMs', 5, `The report's field engines[0].timeline.samples[2].atMs is less than in the sample before`],
    ['engines.0.phases.1.name', 'put', `The report's field engines[0].phases[1].name must be that of the work's phase there, "get"`],
    ['engines.1.name', 'lsm-leveled', `The report's field engines[1].name is another engine's, too`],
    ['engines.0.phases.0.ms.min', 1e9, `must have min ≤ median ≤ max`],
    ['engines.0.timeline.marks.0.kind', 'merge', `must be one of flush, compaction, checkpoint, stall, not "merge"`],
    ['verdict.rows.0.outcome', 'maybe', `The report's field verdict.rows[0].outcome must be one of best, no difference, `],
    ['engines', [], `The report's field engines must have at least 1 item, not 0`],
    ['version', 5, `The report's field version is 5, this kvarium reads up to version 4: render it with a newer kvarium`],
    ['version', 0, `The report's field version must be 4`],
    ['format', 'other', `This is not a report`],
  ])('%s = %j is refused with its path and what is wrong', (path, value, message) => {
    const parse = (): RunReport => parseRunReport(withField(path, value))
    expect(parse).toThrow(FormatError)
    expect(parse).toThrow(message)
  })

  it('a file of version 3 opens', () => {
    expect(parseRunReport(JSON.stringify({ ...withVerdict(smallRun()), version: 3 }))).toEqual(withVerdict(smallRun()))
  })

  it('a file of version 1 opens as one of today, which knows that its engines shared a process', () => {
    const { version, engines, ...rest } = smallRun()
    const old = parseRunReport(readFileSync(join(import.meta.dirname, 'fixtures/report-v1.json'), 'utf8'))
    const shared = engines.map(engine => ({ ...engine, memory: { ...engine.memory, sharesProcess: true } }))
    expect(old).toEqual({ ...rest, version, engines: shared })
    expect(renderHtml(old)).toContain('lsm-leveled')
  })

  it('a file of version 2 opens without a verdict, and gets the one that a run of today has', () => {
    const old = parseRunReport(readFileSync(join(import.meta.dirname, 'fixtures/report-v2.json'), 'utf8'))
    expect(old).toEqual(smallRun())
    expect(withVerdict(old)).toEqual(withVerdict(smallRun()))
  })

  it('what is no JSON is refused, too', () => {
    expect(() => parseRunReport('{')).toThrow(/This is not a report: it is not JSON/)
    expect(() => parseRunReport('[]')).toThrow(FormatError)
  })

  it('any field replaced by anything is refused with an error of its own, or can be shown', () => {
    const paths = pathsOf(withVerdict(smallRun()))
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        let report: RunReport
        try {
          report = parseRunReport(withField(path, value))
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
          return
        }
        for (const text of [renderHtml(report), renderMarkdown(report).markdown, renderTerminal(report)]) expect(text).not.toContain('NaN')
      }),
      { numRuns: 300 },
    )
  })
})

describe('a spread', () => {
  it('the median of an even number of values is between the middle two', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4, values: [4, 1, 3, 2] })
    expect(() => spreadOf([])).toThrow(TypeError)
  })
})

function pathsOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, item]) => {
    const at = path === '' ? name : `${path}.${name}`
    return [at, ...pathsOf(item, at)]
  })
}
