/** `kvarium compare --explore`: the map of the design space. */
import { readFileSync } from 'node:fs'
import { countWork, describeWork, explore, gridOf, mapReport, scaleFor } from 'kvarium-lab/compare'
import type { Exploration, MapAbout } from 'kvarium-lab/compare'
import { bannerLines, busyBanner, mapLines, plural } from 'kvarium-lab/report'
import type { EngineReport, RunReport } from 'kvarium-lab/report'
import { compareSetting } from './compare-setting.js'
import { mapTask, type CompareFlags } from './compare-task.js'
import type { Invocation } from './invocation.js'
import { VERSION } from './package-version.js'
import { readReport, reportJson, shownPath, writeReport, writeText } from './report-files.js'
import { mapIntroduction, pointLine, simulationLines, verifiedLines } from './report/map-lines.js'
import { UsageError } from './usage-error.js'

export async function exploreDesigns(invocation: Invocation, flags: CompareFlags): Promise<void> {
  const { stdout, stderr, setExitCode } = invocation
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
  const setting = compareSetting(
    invocation,
    flags,
    points.map(({ name }) => name),
  )
  const { files, scratch, style, print, progress } = setting
  const counted = countWork(task.phases, task.reads)
  const reportOf = (state: Exploration): RunReport | undefined => {
    const head: MapAbout = {
      ...setting.about(`kvarium compare --explore: ${task.title}`),
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
      setting.printFiles()
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
