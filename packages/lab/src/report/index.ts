/** `kvarium-lab/report`: the result of a run as versioned JSON, and its renderings. */
export { checkRunReport, parseRunReport } from './parse-run-report.js'
export {
  REPORT_FORMAT,
  REPORT_VERSION,
  spreadOf,
  type CacheReport,
  type CallReport,
  type EngineReport,
  type LagReport,
  type LatencyReport,
  type MachineReport,
  type AmplificationWeights,
  type MapDimension,
  type MapGap,
  type MapReport,
  type Mark,
  type MarkKind,
  type MemoryReport,
  type Outcome,
  type OutsideReport,
  type PhaseReport,
  type ReadReport,
  type RunReport,
  type Sample,
  type SpaceReport,
  type Spread,
  type StallReport,
  type Timeline,
  type VerdictReport,
  type VerdictRow,
  type VerificationReport,
  type WorkPhase,
  type WorkReport,
  type WriteAccount,
  type WriteReport,
} from './run-report.js'
export { DEFINITIONS, type Definition, type DefinitionName } from './definitions.js'
export { compareTable, diffReports, type EngineDiff, type MetricChange, type ReportDiff } from './diff.js'
export { renderDiffHtml, renderHtml } from './html-page.js'
export { renderDiffMarkdown, renderMarkdown, renderOverviewMarkdown, type MarkdownReport } from './markdown.js'
export { differ, formatSpread, judge, metricsOf, type FormattedSpread, type Metric, type Verdict } from './metrics.js'
export { bannerLines, renderDiffTerminal, renderOverviewTerminal, renderTerminal, mapLines, verdictLines } from './terminal.js'
export {
  designMap,
  dominates,
  frontierOf,
  measuredPlace,
  weightsOf,
  type DesignMap,
  type DesignPoint,
  type Place,
} from './map/design-map.js'
export { FAR_RULE, mapSentences, optionsToCopy } from './map/map-text.js'
export { manyPerCall } from './calls.js'
export { busyBanner } from './machine-load.js'
export { withVerdict } from './verdict-report.js'
export { verdictOf, type RunVerdict, type VerdictSentence } from './sentences.js'
export type { TextStyle } from './text-tables.js'
export { alignedLines } from './aligned-table.js'
export { briefDuration, bytes, count, duration, exactBytes, plural, rate, share, significant, times } from './numbers.js'
export { PLAIN_TEXT } from './text-tables.js'
