/** A report of `kvarium compare` or a benchmark: its verdict, work, machine and figures, and its engines as lanes. */
import type { JSX } from 'preact'
import { bytes, busyBanner, judge, metricsOf, plural, times, verdictOf, type EngineReport, type RunReport } from 'kvarium-lab/report'
import { ExplorerError } from '../run/explorer-error.js'
import { format } from '../run/command.js'
import { runOfReport } from '../run/report-run.js'
import { counted, number } from './format.js'
import { openedReport, type OpenedReport } from './opened-report.js'
import { Problem } from './problem.js'
import { ask, isBusy, performing, performLines } from './state.js'
import { useAnswer } from './use-answer.js'
import { TableHead } from './table-head.js'

export function Report(): JSX.Element | null {
  const opened = openedReport.value
  if (opened === undefined) return null
  const { name, report } = opened
  return (
    <section class="report" aria-labelledby="report-h">
      <h3 id="report-h">Report: {report.title}</h3>
      <p class="about">
        {name}, of {report.createdAt.slice(0, 10)}, kvarium {report.versions.kvarium ?? 'of an unknown version'}{' '}
        <button type="button" onClick={() => (openedReport.value = undefined)}>
          Close the report
        </button>
      </p>
      <Verdict report={report} />
      <Lanes key={name} {...opened} />
      <Amplifications report={report} />
      <Numbers report={report} />
      <Conditions report={report} />
    </section>
  )
}

interface Props {
  readonly report: RunReport
}

function Verdict({ report }: Props): JSX.Element {
  const { sentences, undecided, remark } = verdictOf(report)
  const banner = busyBanner(report.machine)
  return (
    <>
      {banner === undefined ? null : <p role="note">{banner}</p>}
      {sentences.length === 0 ? null : (
        <ul>
          {sentences.map(({ text }) => (
            <li key={text}>{text}.</li>
          ))}
        </ul>
      )}
      {undecided.length === 0 ? null : <p>No difference beyond the spread of the rounds: {undecided.join(', ')}.</p>}
      {remark === undefined ? null : <p>{remark}.</p>}
    </>
  )
}

function Lanes({ report }: OpenedReport): JSX.Element | null {
  const { answer: tables, problem } = useAnswer('engineOptions', [])
  if (problem !== undefined) return <Problem text={problem} />
  if (tables === undefined) return null
  const { settings, line, notes } = runOfReport(report, tables)
  const open = async (): Promise<void> => {
    let isRefused = false
    await performing(async () => {
      for (const lane of settings.lanes) {
        const [problem] = await ask('checkLane', lane, true)
        if (problem === undefined) continue
        isRefused = true
        throw new ExplorerError('KVARIUM_INVALID_LANES', `The page cannot open ${lane.name}: ${problem.message}`)
      }
    })
    if (!isRefused) await performLines(settings, [line])
  }
  return (
    <div class="report-lanes">
      <p>
        <button
          type="button"
          disabled={isBusy.value || settings.lanes.length === 0}
          aria-describedby="report-run"
          onClick={() => void open()}
        >
          Open these engines as lanes
        </button>
      </p>
      <div id="report-run">
        {settings.lanes.length === 0 ? null : (
          <p>
            A new run of {settings.lanes.map(({ name }) => name).join(', ')} takes the place of the present one, and does{' '}
            <code>{format(line)}</code>
          </p>
        )}
        <ul>
          {notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      </div>
    </div>
  )
}

interface PartBar {
  readonly name: string
  readonly value: number
}

/** Bytes written per user byte by cause, and on disk per live byte. */
function barsOf({ write, outside, space }: EngineReport): { readonly written: readonly PartBar[]; readonly space: readonly PartBar[] } {
  const total = write?.settled.amplification ?? outside?.amplification
  const parts = write === undefined || write.settled.userBytes === 0 ? [] : Object.entries(write.settled.parts)
  return {
    written: [
      ...(total === undefined ? [] : [{ name: write === undefined ? 'all, as the system counts' : 'all', value: total.median }]),
      ...parts.flatMap(([name, count]) => (count === 0 ? [] : [{ name, value: count / write!.settled.userBytes }])),
    ],
    space:
      space.peakBytes === 0
        ? []
        : [
            { name: 'at its peak', value: space.peak.median },
            { name: 'at end of writes', value: space.atEndOfWrites.median },
            { name: 'settled', value: space.settled.median },
          ],
  }
}

function Amplifications({ report }: Props): JSX.Element {
  const engines = report.engines.map(engine => ({ name: engine.name, ...barsOf(engine) }))
  return (
    <>
      {(
        [
          ['written', 'Bytes written per user byte, by part'],
          ['space', 'Bytes on disk per live byte'],
        ] as const
      ).map(([measure, title]) => {
        const most = Math.max(...engines.flatMap(engine => engine[measure].map(({ value }) => value)))
        return (
          <div key={measure}>
            <h4>{title}</h4>
            {engines
              .filter(engine => engine[measure].length > 0)
              .map(({ name, [measure]: bars }) => (
                <div key={name} class="report-bars">
                  <h5>{name}</h5>
                  <dl>
                    {bars.map(bar => (
                      <div key={bar.name} class="report-bar">
                        <dt>{bar.name}</dt>
                        <dd>
                          <svg width="100%" height="10" aria-hidden="true">
                            <rect class="area c0" width={`${most > 0 ? (100 * bar.value) / most : 0}%`} height="10" />
                          </svg>
                          <span>{times(bar.value)}</span>
                        </dd>
                      </div>
                    ))}
                  </dl>
                </div>
              ))}
          </div>
        )
      })}
    </>
  )
}

function Numbers({ report }: Props): JSX.Element {
  const { engines } = report
  return (
    <details>
      <summary>All numbers</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="All numbers of the report">
        <table>
          <caption>Medians of {counted(report.rounds, 'round')}</caption>
          <TableHead names={['number', ...engines.map(({ name }) => name), 'best, and by how much']} />
          <tbody>
            {metricsOf(report).map(metric => (
              <tr key={metric.id}>
                <th scope="row">
                  {metric.group}: {metric.label}
                </th>
                {engines.map(engine => {
                  const spread = metric.of(engine)
                  return <td key={engine.name}>{spread === undefined ? '–' : metric.format(spread.median)}</td>
                })}
                <td>{judge(metric, engines).text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

function Conditions({ report: { work, machine, versions, command, engines } }: Props): JSX.Element {
  const settingsText = (settings: Readonly<Record<string, string | number | boolean>>): string =>
    Object.entries(settings)
      .map(([name, value]) => `${name} ${typeof value === 'number' ? number(value) : value}`)
      .join(', ') || 'defaults'
  const rows: readonly (readonly [string, string])[] = [
    ['Workload', `${work.name}: ${work.about}`],
    ['Entries', `${number(work.entries)} of ${Math.round(work.keyBytes)} + ${Math.round(work.valueBytes)} bytes, seed ${work.seed}`],
    ['Phases', work.phases.map(({ name, operations }) => `${name} (${counted(operations, 'call')})`).join(', ')],
    ['Machine', `${machine.cpu}, ${plural(machine.cores, 'core')}, ${bytes(machine.memoryBytes)} of memory`],
    ['System', [machine.system, machine.fileSystem, `Node ${versions.node ?? 'of an unknown version'}`].filter(Boolean).join(', ')],
    ...engines.map(({ name, options }) => [name, settingsText(options)] as const),
    ['Command', command],
  ]
  return (
    <>
      <h4>Workload and machine</h4>
      <dl class="report-conditions">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}
