/** What `kvarium compare --explore` prints before and while it measures. */
import type { Exploration, Grid } from 'kvarium-lab/compare'
import { bytes, count, exactBytes, FAR_RULE, measuredPlace, plural, times } from 'kvarium-lab/report'
import type { EngineReport, TextStyle, WorkReport } from 'kvarium-lab/report'
import type { Task } from '../compare-task.js'
import { block, headLine, TEXT_WIDTH } from './introduction.js'
import { flow, indent } from './style.js'

export interface MapIntroduced {
  readonly version: string
  readonly task: Pick<Task, 'subject' | 'settings'>
  readonly grid: Grid
  /** In seconds. */
  readonly budget: number
  /** The factor by which sizes were scaled. */
  readonly scale: number
  readonly directory: string
}

/** Describes the map before the first point. */
export function mapIntroduction({ version, task, grid, budget, scale, directory }: MapIntroduced, style: TextStyle): string {
  const { points, dimensions, memoryBytes } = grid
  const varied = dimensions.map(
    ({ engine, option, values }) =>
      `${engine} ${option} ${values.map(value => (typeof value === 'number' ? exactBytes(value) : value)).join(', ')};`,
  )
  const sizes = scale === 1 ? '' : `; other sizes are 1/${count(1 / scale)} of the defaults`
  return [
    headLine('kvarium compare --explore', version, style),
    '',
    ...block(task.subject.label, task.subject.lines(style), style),
    ...block('work', flow(task.settings, TEXT_WIDTH, ' '), style),
    ...block(
      'grid',
      [`${plural(points.length, 'point')}, in at most ${plural(budget, 'second')}`, ...flow(varied, TEXT_WIDTH, ' ')],
      style,
    ),
    ...block('memory', [`${bytes(memoryBytes)} at each point for write buffer, filters and cache${sizes}`], style),
    ...block('files', [directory], style),
    '',
  ].join('\n')
}

const NAME = 36

/** What the simulation and an earlier run have spared, before the first point. */
export function simulationLines({ leftOut, pending, resumed }: Exploration, style: TextStyle): string {
  const lines = [
    `${plural(pending.length, 'point')} to measure`,
    ...(resumed === 0 ? [] : [`${plural(resumed, 'point')} of the earlier run ${resumed === 1 ? 'stays' : 'stay'}`]),
    leftOut.length === 0 ? 'the simulation leaves out none' : `the simulation leaves out ${count(leftOut.length)}: where ${FAR_RULE}`,
  ]
  return block('points', flow(lines.join('; ').split(' '), TEXT_WIDTH, ' '), style).join('\n')
}

/** A point that has just been measured. */
export function pointLine(engine: EngineReport, work: WorkReport, { engines, pending, resumed }: Exploration, style: TextStyle): string {
  const { name, verification } = engine
  const done = `${count(engines.length - resumed)} of ${count(engines.length - resumed + pending.length)}`
  const place = measuredPlace(engine, { work })
  if (verification.problemCount > 0 || place === undefined) {
    const lines = verification.problems.map(({ kind, message }) => `${style.bad(kind)}: ${message}`)
    return indent([`${style.bad('✗')} ${name}: ${plural(verification.problemCount, 'problem')}`, ...lines].join('\n'))
  }
  const { write, read, space } = place
  return `  ${style.good('✓')} ${name.padEnd(NAME)} write ${times(write).padEnd(7)} read ${times(read).padEnd(7)} space ${times(space).padEnd(7)} ${style.dim(done)}`
}

/** Whether all points hold what the oracle holds. */
export function verifiedLines(engines: readonly EngineReport[], style: TextStyle): string {
  const failed = engines.filter(({ verification }) => verification.problemCount > 0).map(({ name }) => name)
  if (failed.length > 0) return indent(`${style.bad('✗')} not everything was right: see the problems of ${failed.join(', ')} above`)
  const { entries, digest } = engines[0].verification
  const who = engines.length === 1 ? 'the point holds' : `all ${count(engines.length)} points hold the same`
  return indent(`${style.good('✓')} ${who} ${plural(entries, 'entry', 'entries')}, equal to the oracle's (digest ${digest})`)
}
