/** The verdict as a part of the JSON, by the same rules as on the page, in the Markdown and on the terminal. */
import { busyBanner } from './machine-load.js'
import { judge, metricsOf } from './metrics.js'
import { designMap, type DesignMap } from './map/design-map.js'
import { mapSentences } from './map/map-text.js'
import type { MapVerdict, RunReport, VerdictReport, VerdictRow } from './run-report.js'
import { verdictOf } from './sentences.js'

/** The report with the verdict on its numbers, in place of one that it may have by other rules. */
export function withVerdict(report: RunReport): RunReport {
  return { ...report, verdict: verdictReport(report) }
}

function verdictReport(report: RunReport): VerdictReport {
  const { sentences, undecided, remark } = verdictOf(report)
  const banner = busyBanner(report.machine)
  const design = designMap(report)
  return {
    ...(banner !== undefined && { banner }),
    ...(report.map === undefined
      ? { sentences: sentences.map(({ text }) => text), undecided, ...(remark !== undefined && { remark }) }
      : { sentences: mapSentences(report), undecided: [] }),
    ...(design !== undefined && { map: mapVerdict(design) }),
    rows: metricsOf(report).map((metric): VerdictRow => {
      const { id, group, label, better, of } = metric
      const { best, factor, outcome, text } = judge(metric, report.engines)
      const values = report.engines.flatMap(engine => {
        const spread = of(engine)
        return spread === undefined ? [] : [[engine.name, spread] as const]
      })
      return {
        metric: id,
        group,
        label,
        better,
        outcome,
        best: best.map(({ engine }) => engine.name),
        ...(factor !== undefined && { factor }),
        text,
        values: Object.fromEntries(values),
      }
    }),
  }
}

function mapVerdict({ frontier, suggested, corner, weights }: DesignMap): MapVerdict {
  return { frontier: frontier.map(({ engine }) => engine.name), suggested: suggested.engine.name, corner, weights }
}
