/** What a run of `kvarium compare` prints and writes to, with or without `--explore`, and what its report says of the run itself. */
import { describeMachine, LoadOfOthers, type ComparisonAbout } from 'kvarium-lab/compare'
import type { TextStyle } from 'kvarium-lab/report'
import { commandLine } from './command-line.js'
import type { CompareFlags } from './compare-task.js'
import type { Invocation } from './invocation.js'
import { VERSION } from './package-version.js'
import { progressView, type ProgressView } from './progress.js'
import { prepareReportFiles, shownPath, type ReportFiles } from './report-files.js'
import { styleFor } from './report/style.js'
import { ScratchDirectory } from './scratch-directory.js'

export interface CompareSetting {
  /** Absent if no report is wanted. */
  readonly files: ReportFiles | undefined
  readonly scratch: ScratchDirectory
  readonly style: TextStyle
  readonly progress: ProgressView
  /** For people; with `--json` it prints nothing. */
  print(text: string): void
  printFiles(): void
  /** The load of others is that from the beginning to this call. */
  about(title: string): Omit<ComparisonAbout, 'work' | 'predictedWork'>
}

/** @param stores - Names of the directories that the run makes. */
export function compareSetting({ parameters, stdout, stderr }: Invocation, flags: CompareFlags, stores: readonly string[]): CompareSetting {
  const { keep = false, json = false } = flags
  const files = flags.report === false || (json && flags.report === undefined) ? undefined : prepareReportFiles(flags.report)
  const scratch = new ScratchDirectory(flags.dir, keep, stores)
  const style = styleFor(stdout)
  const createdAt = new Date()
  const load = new LoadOfOthers()
  const print = (text: string): void => {
    if (!json) stdout.write(`${text}\n`)
  }
  return {
    files,
    scratch,
    style,
    progress: progressView(stderr, json),
    print,
    printFiles() {
      if (files === undefined) return
      print(`\n  report: ${style.bold(shownPath(files.html))} opens in a browser`)
      print(`          ${shownPath(files.json)} holds every number, for programs and kvarium report\n`)
    },
    about(title) {
      const otherLoadCores = load.cores()
      return {
        title,
        createdAt,
        command: commandLine(parameters),
        machine: { ...describeMachine(scratch.path), ...(otherLoadCores !== undefined && { otherLoadCores }) },
        versions: { kvarium: VERSION, node: process.version, v8: process.versions.v8 },
      }
    },
  }
}
