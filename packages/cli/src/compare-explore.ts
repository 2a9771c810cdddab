/** `kvarium compare --explore`: the map of the design space. */
import { readFileSync } from 'node:fs'
import { countWork, describeMachine, describeWork, explore, gridOf, LoadOfOthers, mapReport, scaleFor } from 'kvarium-lab/compare'
import type { Exploration, MapAbout } from 'kvarium-lab/compare'
import { bannerLines, busyBanner, mapLines, plural } from 'kvarium-lab/report'
import type { EngineReport, RunReport } from 'kvarium-lab/report'
import { commandLine } from './command-line.js'
import { mapTask, type CompareFlags } from './compare-task.js'
import type { Invocation } from './invocation.js'
import { VERSION } from './package-version.js'
import { progressView } from './progress.js'
import { prepareReportFiles, readReport, reportJson, shownPath, writeReport, writeText } from './report-files.js'
import { mapIntroduction, pointLine, simulationLines, verifiedLines } from './report/map-lines.js'
import { styleFor } from './report/style.js'
import { ScratchDirectory } from './scratch-directory.js'
import { UsageError } from './usage-error.js'

export async function exploreDesigns({ parameters, stdout, stderr, setExitCode }: Invocation, flags: CompareFlags): Promise<void> {
  const { keep = false, json = false, seed, rounds = 1, budget, weigh = { write: 1, read: 1, space: 1 } } = flags
  const task = await mapTask(flags)
  const scale = flags.fullSize === true ? 1 : scaleFor(task.bytes)
  const grid = await gridOf({
    engines: flags.engine,
    ...(flags.vary !== undefined && { vary: flags.vary }),
    ...(flags.grid !== undefined && { file: { path: flags.grid, json: readGridFile(flags.grid) } }),
    ...(flags.set !== undefined && { settings: flags.set }),
    scale,
    memoryBytes: flags.memory,
    entries: task.work.entries,
  })
  const { points, ...about } = grid
  const described = await describeWork(task.phases)
  const earlier = flags.resume === undefined ? [] : pointsToResume(flags.resume, described.digest)
  const files = flags.report === false || (json && flags.report === undefined) ? undefined : prepareReportFiles(flags.report)
  const scratch = new ScratchDirectory(
    flags.dir,
    keep,
    points.map(({ name }) => name),
  )
  const style = styleFor(stdout)
  const print = (text: string): boolean => !json && stdout.write(`${text}\n`)
  const progress = progressView(stderr, json)
  const counted = countWork(task.phases, task.reads)
  const createdAt = new Date()
  const load = new LoadOfOthers()
  const reportOf = (state: Exploration): RunReport | undefined => {
    const otherLoadCores = load.cores()
    const head: MapAbout = {
      title: `kvarium compare --explore: ${task.title}`,
      createdAt,
      command: commandLine(parameters),
      machine: { ...describeMachine(scratch.path), ...(otherLoadCores !== undefined && { otherLoadCores }) },
      versions: { kvarium: VERSION, node: process.version, v8: process.versions.v8 },
      work: { ...task.work, ...described },
      rounds,
      map: { ...about, mix: counted.mix, weigh },
    }
    return mapReport(state, head)
  }

  let latest: Exploration | undefined
  const interrupted = (): never => {
    progress.pause()
    const report = latest && reportOf(latest)
    if (report !== undefined && files !== undefined) {
      writeReport(report, files)
      const path = shownPath(files.json)
      stderr.write(`interrupted: the report has ${plural(report.engines.length, 'finished point')}; --resume ${path} goes on from it\n`)
    }
    return process.exit(130)
  }
  const remove = (): void => scratch.remove()
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted).once('exit', remove)
  try {
    print(mapIntroduction({ version: VERSION, task, grid, budget, scale, directory: scratch.path }, style))
    const state = await explore({
      points,
      phases: task.phases,
      warmUp: task.warmUp,
      work: counted.work,
      seed,
      rounds,
      directory: scratch.path,
      keep,
      budgetMs: budget * 1000,
      earlier,
      onProgress: current => progress.update(current),
      onState: current => {
        const last = current.engines.at(-1)
        if (latest === undefined) print(`${simulationLines(current, style)}\n`)
        if (latest !== undefined && last !== undefined && current.engines.length > latest.engines.length) {
          progress.pause()
          const soFar = reportOf(current)
          if (soFar !== undefined && files !== undefined) writeText(files.json, reportJson(soFar))
          print(pointLine(last, { ...task.work, ...described }, current, style))
        }
        latest = current
      },
    })
    progress.pause()
    const report = reportOf(state)!
    if (files !== undefined) writeReport(report, files)
    if (json) stdout.write(reportJson(report))
    else {
      print(`\n${mapLines(report, style)}\n`)
      print([...bannerLines(busyBanner(report.machine), style), verifiedLines(report.engines, style)].join('\n\n'))
      if (files !== undefined) {
        print(`\n  report: ${style.bold(shownPath(files.html))} opens in a browser`)
        print(`          ${shownPath(files.json)} holds every number, for programs and kvarium report\n`)
      }
    }
    if (report.engines.some(({ verification }) => verification.problemCount > 0)) setExitCode(1)
  } finally {
    progress.pause()
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted).off('exit', remove)
    scratch.remove()
  }
}

function readGridFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`The grid cannot be read: ${(error as Error).message}`)
  }
}

/** @param digest - Of this run's work. */
function pointsToResume(path: string, digest: string): readonly EngineReport[] {
  const { map, work, engines } = readReport(path)
  if (map === undefined) throw new UsageError(`${path} is not the report of a map: --resume takes one of kvarium compare --explore`)
  if (work.digest !== digest) {
    throw new UsageError(
      `${path} is about other work (digest ${work.digest}, this run ${digest}): --resume needs the same data, workload, seed, --limit and --budget`,
    )
  }
  return engines
}
