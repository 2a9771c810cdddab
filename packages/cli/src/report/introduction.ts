import { inspect } from 'node:util'
import type { EngineConfiguration } from 'kvarium-lab/compare'
import type { Dataset } from '../datasets/dataset.js'
import { bytes, count, exactBytes, plural } from 'kvarium-lab/report'
import type { TextStyle } from 'kvarium-lab/report'
import type { Plan, Workload } from 'kvarium-lab/workloads'
import { flow } from './style.js'

export interface Introduced {
  readonly version: string
  /** What the operations come from, and lines about it. */
  readonly subject: Subject
  readonly engines: readonly EngineConfiguration[]
  readonly directory: string
  /** The work, in pieces that stay on a line. */
  readonly work: readonly string[]
  /** The factor by which sizes were scaled. */
  readonly scale: number
}

export interface Subject {
  readonly label: 'dataset' | 'workload'
  readonly lines: (style: TextStyle) => readonly string[]
}

export function datasetSubject({ title, keys, entries, duplicates, bytes: size, example }: Dataset): Subject {
  const lines = (style: TextStyle): readonly string[] => [
    `${title}: ${plural(entries.length, 'entry', 'entries')}, ${bytes(size)} of keys and values, key ${keys}`,
    ...(duplicates === 0 ? [] : [`${plural(duplicates, 'record')} had a key that a later one has again; the last one counts`]),
    style.dim(exampleLine(example.key, example.value)),
  ]
  return { label: 'dataset', lines }
}

export function workloadSubject({ name, about }: Workload, { entries, keyBytes, valueBytes }: Plan): Subject {
  const size = `${plural(entries, 'entry', 'entries')} of ${count(Math.round(keyBytes))} + ${count(Math.round(valueBytes))} bytes`
  return { label: 'workload', lines: () => [`${name}, ${size}`, ...flow(about.split(' '), TEXT_WIDTH, ' ')] }
}

const WIDTH = 100
const LABEL = 11
/** What is right of the labels. */
export const TEXT_WIDTH = WIDTH - LABEL
const NAME = 15

/** Describes the run before it starts. */
export function introduction({ version, subject, engines, directory, work, scale }: Introduced, style: TextStyle): string {
  return [
    headLine('kvarium compare', version, style),
    '',
    ...block(subject.label, subject.lines(style), style),
    ...block('work', flow(work, TEXT_WIDTH, ' '), style),
    ...block(
      'engines',
      [
        ...engines.flatMap(({ name, options = {}, level }) => [
          ...describeEngine(name, options),
          ...(level === undefined
            ? []
            : [`${''.padEnd(NAME)}${style.dim('a package: no ledger, so its bytes are those that the system counts')}`]),
        ]),
        ...(scale === 1
          ? []
          : [style.dim(`sizes are 1/${count(1 / scale)} of the defaults, so that this dataset fills what a large one would`)]),
      ],
      style,
    ),
    ...block('files', [directory], style),
    '',
  ].join('\n')
}

/** The first line of an output. */
export function headLine(command: string, version: string, style: TextStyle): string {
  return `${style.bold(command)} ${style.dim(`${version}, Node ${process.version}, ${process.platform} ${process.arch}`)}`
}

/** Lines with a label before the first one. */
export function block(label: string, lines: readonly string[], style: TextStyle): string[] {
  return lines.map((line, index) => style.dim((index === 0 ? `  ${label}` : '').padEnd(LABEL)) + line)
}

function exampleLine(key: string, value: unknown): string {
  const text = inspect(value, { breakLength: Infinity, depth: 3 })
  const room = Math.max(20, WIDTH - LABEL - key.length - 4)
  return `${key.replaceAll(/\p{Cc}/gu, '·')} → ${text.length > room ? `${text.slice(0, room)}…` : text}`
}

function describeEngine(name: string, options: Readonly<Record<string, unknown>>): string[] {
  const shown = Object.entries(options).map(
    ([option, value]) => `${option} ${typeof value === 'number' && value >= 1024 ? exactBytes(value) : String(value)}`,
  )
  const lines = flow(shown, TEXT_WIDTH - NAME)
  return lines.length === 0 ? [name] : lines.map((line, index) => (index === 0 ? name : '').padEnd(NAME) + line)
}
