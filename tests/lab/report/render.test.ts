import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DEFINITIONS } from '../../../packages/lab/src/report/definitions.js'
import { diffReports } from '../../../packages/lab/src/report/diff.js'
import { figuresOf } from '../../../packages/lab/src/report/figures.js'
import { renderDiffHtml, renderHtml } from '../../../packages/lab/src/report/html-page.js'
import { renderDiffMarkdown, renderMarkdown, renderOverviewMarkdown } from '../../../packages/lab/src/report/markdown.js'
import { differ, judge, metricsOf } from '../../../packages/lab/src/report/metrics.js'
import { spreadOf, type RunReport, type Spread } from '../../../packages/lab/src/report/run-report.js'
import { siteStyle, textStyle } from '../../../packages/lab/src/report/shared-style.js'
import { PAGE_STYLE } from '../../../packages/lab/src/report/style-sheet.js'
import { verdictOf } from '../../../packages/lab/src/report/sentences.js'
import { renderDiffTerminal, renderOverviewTerminal, renderTerminal } from '../../../packages/lab/src/report/terminal.js'
import { verdictTable, writeTable } from '../../../packages/lab/src/report/tables.js'
import { withVerdict } from '../../../packages/lab/src/report/verdict-report.js'
import { SeededRandom } from '../../../src/vfs/seeded-random.js'
import { smallRun } from './support/small-run.js'

const run = smallRun()
const metric = (id: string) => metricsOf(run).find(one => one.id === id)!

/** Everything that a file, a peer or a dataset may bring a name for, hostile. */
function hostile(name: string): RunReport {
  const [first, ...others] = run.engines
  return {
    ...run,
    title: name,
    command: name,
    versions: { [name]: name },
    machine: { ...run.machine, cpu: name, system: name },
    work: {
      ...run.work,
      about: name,
      parameters: { [name]: name },
      phases: run.work.phases.map(phase => ({ ...phase, name, about: name })),
    },
    engines: [
      {
        ...first,
        name,
        engine: name,
        options: { [name]: name },
        phases: first.phases.map(phase => ({ ...phase, name })),
        timeline: {
          ...first.timeline!,
          phases: [{ name, startMs: 0, endMs: 50 }],
          marks: [{ kind: 'flush', startMs: 1, endMs: 2, detail: name }],
        },
        verification: { ...first.verification, problems: [{ kind: name, message: name }], problemCount: 1 },
      },
      ...others,
    ],
  }
}

describe('a verdict', () => {
  it('names the best engine and how much better it is than the next, among those that keep their data', () => {
    expect(judge(metric('write/settled'), run.engines).text).toBe('lsm-leveled, 3.36×')
    expect(judge(metric('throughput/load'), run.engines).best.map(({ engine }) => engine.name)).not.toContain('memory')
  })

  it('times of one round have no verdict, however far apart; bytes have one', () => {
    const once = (value: number): Spread => spreadOf([value])
    const engines = run.engines.slice(0, 2).map((engine, index) => ({
      ...engine,
      phases: engine.phases.map(phase => ({ ...phase, perSecond: once(1000 * (index + 1) ** 5) })),
      write: { ...engine.write!, settled: { ...engine.write!.settled, amplification: once(index + 1) } },
    }))
    expect(judge(metric('throughput/load'), engines)).toMatchObject({ best: [], text: 'one round' })
    expect(judge(metric('write/settled'), engines).text).toBe('lsm-leveled, 2.00×')
  })

  it('ranges that touch, or lie apart by less than they span, are no difference', () => {
    // 100k to 110k against 99k to 106k: both are best; the third is not.
    expect(judge(metric('throughput/load'), run.engines).text).toBe('lsm-leveled, a-peer, 2.02×')
    const two = run.engines.filter(engine => engine.name !== 'btree')
    expect(judge(metric('throughput/load'), two).text).toBe('no difference')
  })

  it('of 2,000 metrics by chance alone, 1 in 100 has a winner in one run, and fewer a change between two', () => {
    const random = new SeededRandom(7)
    // The mean of twelve uniform values, with a spread of a tenth: a noisy machine, without a difference.
    const value = (): number =>
      100 + Array.from({ length: 12 }, () => random.uniform(1000) / 1000 - 0.5).reduce((sum, one) => sum + one, 0) * 10
    const spread = (): Spread => spreadOf([value(), value(), value()])
    const pairs = Array.from({ length: 2000 }, () => [spread(), spread()] as const)
    const found = (of: 'one run' | 'two runs'): number => pairs.filter(([a, b]) => differ(a, b, { isTime: true }, of)).length
    expect(found('one run')).toBeLessThan(30)
    expect(found('two runs')).toBeLessThan(10)
  })

  it('percentiles of two runs differ by half at least: the same run twice has had 1.45 between them', () => {
    const [before, after] = [spreadOf([4447, 4453, 5011]), spreadOf([6111, 6460, 6464])]
    expect(differ(before, after, { isTime: true, isTail: true }, 'two runs')).toBe(false)
    expect(differ(before, after, { isTime: true }, 'two runs')).toBe(true)
    expect(differ(before, spreadOf([7000, 7100, 7200]), { isTime: true, isTail: true }, 'two runs')).toBe(true)
    expect(differ(before, after, { isTime: true, isTail: true }, 'one run')).toBe(true)
  })

  it('waiting, hit rates and the memory of a shared process crown no engine', () => {
    const shared = { ...run, engines: run.engines.map(engine => ({ ...engine, memory: { ...engine.memory, sharesProcess: true } })) }
    const texts = ['time/settle', 'cache/hits', 'memory/shared'].map(id => {
      const [found] = metricsOf(shared).filter(one => one.id === id)
      return judge(found, shared.engines).text
    })
    expect(texts).toEqual(['not ranked', 'not ranked', 'not ranked'])
    expect(metricsOf(shared).map(({ id }) => id)).not.toContain('memory/peak')
  })

  it('is said in sentences, bytes first, with what does not differ at the end', () => {
    const own = { ...run, engines: run.engines.filter(({ kind }) => kind === 'kvarium') }
    const { sentences, undecided } = verdictOf(own)
    expect(sentences.map(({ text }) => text)).toEqual([
      'lsm-leveled writes 3.01 bytes per byte, btree 10.1',
      'lsm-leveled takes 1.30 bytes on disk per live byte, btree 1.70',
      'lsm-leveled loads 2.02× faster than btree',
      'lsm-leveled gets 2.02× faster than btree',
    ])
    expect(undecided).toEqual(['read amplification, blocks'])
    expect(verdictOf({ ...own, engines: own.engines.slice(0, 1) }).sentences).toEqual([])
  })

  it('of fewer than three rounds is silent on times, and says why', () => {
    const two = (spread: Spread): Spread => spreadOf(spread.values.slice(0, 2))
    const engines = run.engines.map(engine => ({
      ...engine,
      phases: engine.phases.map(phase => ({ ...phase, perSecond: two(phase.perSecond) })),
    }))
    const { sentences, remark } = verdictOf({ ...run, rounds: 2, engines })
    expect(sentences.every(({ metric: { isTime } }) => !isTime)).toBe(true)
    expect(remark).toMatch(/^The 2 rounds have no spread of times/)
  })

  it('of a busy machine has a banner at the head of every form', () => {
    const busy = { ...run, machine: { ...run.machine, otherLoadCores: 1.6 } }
    const banner = 'The machine was busy: other programs kept 1.60 of 2 cores at work during this run.'
    for (const text of [renderHtml(busy), renderMarkdown(busy).markdown, renderTerminal(busy), renderOverviewTerminal([busy])]) {
      expect(text.replace(/\s+/g, ' ')).toContain(banner)
    }
    for (const text of [renderHtml(run), renderMarkdown(run).markdown, renderTerminal(run)])
      expect(text).not.toContain('The machine was busy')
  })

  it('is in the JSON as it is on the page and the terminal: rows, sentences and banner', () => {
    for (const report of [run, { ...run, rounds: 1, machine: { ...run.machine, otherLoadCores: 1.6 } }]) {
      const { rows, sentences, banner } = withVerdict(report).verdict!
      const shown = verdictTable(report).groups.flatMap(group => group.rows)
      expect(rows.map(({ label, text }) => [label, text])).toEqual(shown.map(({ head, cells }) => [head, cells.at(-1)!.text]))
      const winners = shown.map(({ cells }) => report.engines.filter((_, index) => cells[index].mark === 'best').map(({ name }) => name))
      expect(rows.map(({ best }) => new Set(best))).toEqual(winners.map(names => new Set(names)))
      const terminal = renderTerminal(report).replace(/\s+/g, ' ')
      for (const text of [...sentences, banner ?? '']) expect(terminal).toContain(text)
      expect(banner !== undefined).toBe(terminal.includes('The machine was busy'))
    }
  })

  it('in the JSON has an outcome for programs, the spread of each engine, and the rules of today', () => {
    const { rows } = withVerdict({ ...run, verdict: { sentences: ['of other rules'], undecided: [], rows: [] } }).verdict!
    const rowOf = (id: string) => rows.find(row => row.metric === id)
    expect(rowOf('throughput/load')).toEqual({
      metric: 'throughput/load',
      group: 'Throughput',
      label: 'load',
      better: 'more',
      outcome: 'best',
      best: ['lsm-leveled', 'a-peer'],
      factor: 105 / 52,
      text: 'lsm-leveled, a-peer, 2.02×',
      values: Object.fromEntries(run.engines.map(({ name, phases }) => [name, phases[0].perSecond])),
    })
    expect(rowOf('read/found')).toMatchObject({ outcome: 'no difference', best: [] })
    expect(rowOf('time/settle')).toMatchObject({ outcome: 'not ranked', best: [] })
    const alone = withVerdict({ ...run, engines: run.engines.slice(0, 1) }).verdict!
    expect(new Set(alone.rows.map(({ outcome }) => outcome))).toEqual(new Set(['nothing to compare']))
    expect(alone.sentences).toEqual([])
  })

  it('a number that only one engine has is no victory', () => {
    expect(judge(metric('read/found'), run.engines.slice(0, 1)).text).toBe('–')
  })
})

describe('the style', () => {
  it('of the site has no colour or font of its own: its variables are those of reports and replays', () => {
    const theme = readFileSync(join(import.meta.dirname, '../../../site/.vitepress/theme/style.css'), 'utf8')
    const defined = new Set([...siteStyle().matchAll(/(--[\w-]+):/g)].map(([, name]) => name))
    const used = [...`${theme}${siteStyle()}`.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name)
    expect(used.filter(name => !name.startsWith('--vp-') && !defined.has(name))).toEqual([])
    expect(theme).not.toMatch(/#[0-9a-f]{3}|sans-serif|monospace/)
    expect(PAGE_STYLE).toContain(textStyle())
    expect(siteStyle()).toContain('.vp-doc thead th{')
  })
})

describe('two runs', () => {
  const faster: RunReport = {
    ...run,
    versions: { ...run.versions, kvarium: '0.2.0' },
    engines: run.engines.map(engine => ({
      ...engine,
      phases: engine.phases.map(phase => ({ ...phase, perSecond: spreadOf(phase.perSecond.values.map(value => value * 2)) })),
    })),
  }

  it('what changed by more than the rounds vary is named, with its direction', () => {
    const { engines, notes, summary } = diffReports(run, faster)
    const load = engines[0].changes.find(change => change.metric.id === 'throughput/load')
    expect(load?.change).toBe('better')
    expect(engines[0].changes.find(change => change.metric.id === 'write/settled')?.change).toBe('none')
    expect(diffReports(faster, run).engines[0].changes.find(change => change.metric.id === 'throughput/load')?.change).toBe('worse')
    expect(notes).toContain('another version, kvarium: 0.1.0 → 0.2.0')
    expect(summary).toMatch(/^8 better, 0 worse, no difference in \d+ numbers\.$/)
  })

  it('of a busy machine are compared by their bytes alone', () => {
    const busy = { ...faster, machine: { ...faster.machine, otherLoadCores: 0.9 } }
    const { engines, summary, notes } = diffReports(run, busy)
    expect(engines[0].changes.find(change => change.metric.id === 'throughput/load')?.change).toBe('unjudged')
    expect(summary).toMatch(/^No difference in \d+ numbers; times are not compared\.$/)
    expect(notes).toContain('other programs kept 0.90 cores busy in one of the runs: times are not compared')
  })

  it('in all three forms', () => {
    const diff = diffReports(run, faster)
    expect(renderDiffTerminal(diff)).toMatch(/load +105k\/s ±5 % +210k\/s ±5 % +\+100 % +better, 2\.00×/)
    expect(renderDiffMarkdown(diff)).toContain('| **better, 2.00×** |')
    expect(renderDiffHtml(diff)).toContain('class="verdict better"')
  })

  it.each([
    [{ seed: 2 }, 'seed 1 and 2'],
    [{ entries: 5 }, 'entries 1000 and 5'],
    [{ parameters: { batch: 7, shuffle: true } }, 'batch: 100 → 7'],
    [{}, 'the operations themselves (digest abcd1234 and 00000000)'],
  ])('of different work are refused, and what differs is named: %j', (work, message) => {
    const other = { ...run, work: { ...run.work, ...work, digest: '00000000' } }
    expect(() => diffReports(run, other)).toThrow(message)
  })

  it('without a common engine are refused', () => {
    expect(() => diffReports({ ...run, engines: run.engines.slice(0, 1) }, { ...run, engines: run.engines.slice(1) })).toThrow(
      /no engine in common/,
    )
  })
})

describe('several workloads side by side', () => {
  const other: RunReport = { ...run, work: { ...run.work, name: 'another', digest: '1' }, engines: run.engines.slice(0, 2) }

  it('have a row each, with the best of it, and a dash for an engine that did not get that far', () => {
    const { markdown, drawings } = renderOverviewMarkdown([run, other], ['another'])
    expect(markdown).toContain('| dataset | **210k/s**<br>200k/s – 220k/s |')
    expect(markdown).toMatch(/^\| another \| \*\*210k\/s\*\*.* \| – \| – \| lsm-leveled, 2\.02× \|$/m)
    expect(markdown).toContain('In detail: [another](another/README.md).')
    expect(markdown).toContain('| dataset, lsm-leveled: write amplification | T + 1 | 4.00× | 3.01× | +32.9 % |')
    expect([...drawings.keys()].every(file => markdown.includes(`](${file})`))).toBe(true)
    expect(renderOverviewTerminal([run, other])).toMatch(/another +\* 210k\/s/)
  })

  it('are refused if two are of the same one', () => {
    expect(() => renderOverviewMarkdown([run, run])).toThrow(/Two of the reports are for dataset/)
  })
})

describe('the forms of a report', () => {
  const hazards = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onload='x",
    '</style><b>',
    '&amp;`|\\*[x](y)',
    'a\u001b[31m\u0000b',
  ]

  it.each(hazards)('%j in any name stays text', name => {
    const report = hostile(name)
    const html = renderHtml(report)
    expect(html).not.toMatch(/<(script|img|b)[ >]/)
    expect(html).not.toContain("onload='x")
    const { markdown, drawings } = renderMarkdown(report)
    // Only in the fence around the command text is as it is.
    const outside = markdown.replace(/```sh\n[\s\S]*?\n```/, '')
    expect(outside).not.toMatch(/(?<!\\)<(script|img|b)[ >]/)
    expect(outside).not.toContain('[x](y)')
    for (const drawing of drawings.values()) expect(drawing).not.toMatch(/<(script|img|b)[ >]/)
    for (const file of drawings.keys()) expect(file).toMatch(/^[a-z0-9-]+\.svg$/)
    // eslint-disable-next-line no-control-regex
    expect(renderTerminal(report)).not.toMatch(/[\u0000\u001b]/)
  })

  it('every figure has a title, a description and a table, and ids that are unique', () => {
    const figures = figuresOf(run).flatMap(group => group.figures)
    expect(figures.map(figure => figure.id)).toEqual([...new Set(figures.map(figure => figure.id))])
    expect(figures.length).toBeGreaterThan(15)
    for (const { title, description, table, drawing } of figures) {
      expect(title).not.toBe('')
      expect(description).toMatch(/\.$/)
      expect(table.rows.length).toBeGreaterThan(0)
      for (const row of table.rows) expect(row.length, title).toBe(table.head.length)
      expect(drawing.markup).not.toMatch(/NaN|undefined|Infinity/)
    }
  })

  it('the page leads to every definition that it uses, and refers to nothing outside', () => {
    const html = renderHtml(run)
    const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
    const links = [...html.matchAll(/ href="([^"]+)"/g)].map(([, href]) => href)
    expect(links.filter(href => !href.startsWith('#') || !ids.has(href.slice(1)))).toEqual([])
    expect(html).not.toMatch(/(src|srcset)=|url\((?!#)|@import/)
    for (const name of Object.keys(DEFINITIONS)) expect(ids).toContain(`d-${name}`)
    expect(ids.size).toBe([...html.matchAll(/ id="([^"]+)"/g)].length)
  })

  it('phases that are too narrow for their names have numbers, which a key explains, and none is left out', () => {
    const [first, ...others] = run.engines
    const names = ['load', 'get', 'a phase with a long name', 'another one', 'the last of them']
    const phases = names.map((name, index) => ({ name, startMs: [0, 20, 38, 39, 40][index], endMs: [20, 38, 39, 40, 50][index] }))
    const narrow = { ...run, engines: [{ ...first, timeline: { ...first.timeline!, phases } }, ...others] }
    const [figure] = figuresOf(narrow).find(({ id }) => id === 'over-time-lsm-leveled')!.figures
    const texts = [...figure.drawing.markup.matchAll(/class="band-name"[^>]*>([^<]*)</g)].map(([, text]) => text)
    expect(texts).toEqual(['1', '2', '3–4', '5', '1 load', '2 get', '3 a phase with a long name', '4 another one', '5 the last of them'])
  })

  it('no line over time leads from one phase to the next', () => {
    const [figure] = figuresOf(run).find(({ id }) => id === 'over-time-lsm-leveled')!.figures
    const [, path] = /class="line[^"]*" d="([^"]*)"/.exec(figure.drawing.markup)!
    // Load and get; settling does no work.
    expect(path.match(/M/g)).toHaveLength(2)
  })

  it('percentiles of batches and scans say so, beside those of single calls', () => {
    const batched = {
      ...run,
      engines: run.engines.map(engine => ({
        ...engine,
        phases: engine.phases.map(phase => (phase.name === 'load' ? { ...phase, entries: 1_000_000 } : phase)),
      })),
    }
    expect(metricsOf(batched).find(({ id }) => id === 'p99/load')?.label).toBe('load, batches of 1,000')
    expect(renderTerminal(batched)).toMatch(/^ {2}load, batches of 1,000 +1,000,000 /m)
    expect(renderHtml(batched)).toContain('Latency: load, batches of 1,000')
    expect(renderTerminal(run)).not.toContain('batches of')
  })

  it('definitions name formulas that are there', () => {
    for (const definition of Object.values(DEFINITIONS)) {
      if (!('source' in definition)) continue
      const [, name, file] = /^(\w+) in (.+)$/.exec(definition.source)!
      expect(readFileSync(join(import.meta.dirname, '../../..', file), 'utf8')).toMatch(new RegExp(`export (function|type) ${name}\\b`))
    }
  })

  it.each([
    ['terminal.txt', () => renderTerminal(run)],
    ['markdown.md', () => renderMarkdown(run).markdown],
  ])('%s is as it was reviewed', async (file, make) => {
    await expect(make()).toMatchFileSnapshot(join(import.meta.dirname, 'fixtures', file))
  })

  it('bytes before compression stand beside those that were written, where an engine compresses', () => {
    const [first, ...others] = run.engines
    const write = { ...first.write!, settled: { ...first.write!.settled, savedBytes: 299_000 } }
    const { columns, groups } = writeTable({ ...run, engines: [{ ...first, write }, ...others] })
    const at = columns.findIndex(({ text }) => text === 'before compression') - 1
    const [ledger, before] = [at - 1, at].map(column => groups[0].rows.map(({ cells }) => cells[column].text))
    expect(ledger.slice(0, 2)).toEqual(['294 KiB', '986 KiB'])
    expect(before.slice(0, 2)).toEqual(['586 KiB', '986 KiB'])
    expect(writeTable(run).columns.map(({ text }) => text)).not.toContain('before compression')
  })

  it('Markdown shows every drawing that is written beside it', () => {
    const { markdown, drawings } = renderMarkdown(run)
    const shown = [...markdown.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, file]) => file)
    expect(shown).toEqual([...drawings.keys()])
  })
})
