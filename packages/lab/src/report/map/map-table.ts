/** The points of a map as tables. */
import type { DefinitionName } from '../definitions.js'
import { bytes, duration, rate, times } from '../numbers.js'
import type { EngineReport, PhaseReport, RunReport } from '../run-report.js'
import type { Cell, ReportTable, Row } from '../tables.js'
import { AXES, designMap, type AxisName, type DesignMap, type DesignPoint } from './design-map.js'
import { variedOptions } from './map-text.js'

const NONE: Cell = { text: '–' }

/** The frontier by write amplification, and the other points. `undefined` without a map. */
export function mapTable(report: RunReport): ReportTable | undefined {
  const design = designMap(report)
  return design && tableOf(report, design, true)
}

/** The same for the width of a terminal: the frontier, with the options as notes. */
export function narrowMapTable(report: RunReport): ReportTable | undefined {
  const design = designMap(report)
  return design && tableOf(report, design, false)
}

function tableOf(report: RunReport, design: DesignMap, isWide: boolean): ReportTable {
  const row = (point: DesignPoint): Row => pointRow(point, design, report, isWide)
  const { frontier, others } = design
  const amplification = (text: string, definition: DefinitionName) => ({ text, definition })
  return {
    id: 'map',
    title: 'The frontier',
    note: 'Throughput and CPU leave out the load. Memory of a hash engine includes its directory, which is not in the part of each point.',
    columns: [
      { text: 'point', isText: true },
      amplification('write', 'writeAmplification'),
      amplification('read', 'readBytes'),
      amplification('space', 'spaceAmplification'),
      { text: 'entries/s', definition: 'throughput' },
      { text: 'CPU/call', definition: 'cpu' },
      { text: 'memory', definition: 'memory' },
      ...(isWide ? [{ text: 'options', definition: 'designMap', isText: true } as const] : []),
    ],
    groups: isWide
      ? [
          { name: 'On the frontier', definition: 'designMap', rows: frontier.map(row) },
          ...(others.length === 0 ? [] : [{ name: 'Not on the frontier', rows: others.map(row) }]),
        ]
      : [{ rows: frontier.map(row) }],
  }
}

function pointRow(point: DesignPoint, design: DesignMap, report: RunReport, isWide: boolean): Row {
  const { engine, number } = point
  const { entriesPerSecond, cpuUs } = speedOf(engine, report)
  const options = variedOptions(point, design)
  const isSuggested = engine.name === design.suggested.engine.name
  return {
    head: `${number === undefined ? '' : `${number} `}${engine.name}${isSuggested ? (isWide ? ' (suggested)' : ' *') : ''}`,
    cells: [
      ...AXES.map(axis => amplificationCell(point, axis, isWide)),
      entriesPerSecond === undefined ? NONE : { text: rate(entriesPerSecond) },
      cpuUs === undefined ? NONE : { text: duration(cpuUs) },
      engine.memory.engineBytes === undefined ? NONE : { text: bytes(engine.memory.engineBytes) },
      ...(isWide ? [{ text: options, isText: true }] : []),
    ],
    ...(!isWide && { notes: notesOf(point, options) }),
  }
}

function amplificationCell({ measured, predicted }: DesignPoint, axis: AxisName, isWide: boolean): Cell {
  const foreseen = predicted[axis]
  const text = times(measured[axis])
  return foreseen === undefined || !isWide ? { text } : { text, range: `predicted ${times(foreseen)}` }
}

/** What a terminal has no columns for. */
function notesOf({ predicted }: DesignPoint, options: string): readonly string[] {
  const foreseen = AXES.flatMap(axis => {
    const value = predicted[axis]
    return value === undefined ? [] : [`${axis} ${times(value)}`]
  })
  return [...(options === '' ? [] : [options]), ...(foreseen.length === 0 ? [] : [`predicted: ${foreseen.join(', ')}`])]
}

/** Without the load and without tasks; CPU time is that of all phases over all calls. */
function speedOf(engine: EngineReport, { work }: RunReport): { readonly entriesPerSecond?: number; readonly cpuUs?: number } {
  const isRun = ({ name }: PhaseReport): boolean => work.phases.some(phase => phase.name === name && phase.kind !== 'other')
  const calls = engine.phases.filter(isRun)
  const run = calls.filter(({ name }) => name !== 'load')
  const counted = run.length === 0 ? calls : run
  const ms = counted.reduce((sum, phase) => sum + phase.ms.median, 0)
  const operations = engine.phases.reduce((sum, phase) => sum + phase.operations, 0)
  return {
    ...(ms > 0 && { entriesPerSecond: (counted.reduce((sum, phase) => sum + phase.entries, 0) * 1000) / ms }),
    ...(engine.cpuMs !== undefined && operations > 0 && { cpuUs: (engine.cpuMs.median * 1000) / operations }),
  }
}
