/**
 * Runs with a part of the reader's in a lane.
 *
 * Invariants:
 * 1. Before a part is used, the run without it is kept, to be done again when the part is done with or does not come to an end. Operations that
 *    are added meanwhile become part of it, as long as the run with the part has its operations and not those of an exercise.
 * 2. A part runs in no worker but that of parts.
 */
import { effect, signal } from '@preact/signals'
import { ExplorerError } from '../run/explorer-error.js'
import { linesOf } from '../run/scenario.js'
import { hasPart, type LaneSettings, type RunSettings } from '../run/settings.js'
import type { Difference } from '../session/part-answers.js'
import { ask, connectTo, endSilent, goTo, isBusy, last, performing, problem, silentMs, summary } from './state.js'
import { newWorker } from './workers.js'

const SILENT_MS = 4000
const LOOK_EVERY_MS = 500

/** Where the part in the run goes another way than the reference; `none` where it does not. */
export const difference = signal<Difference | 'none' | undefined>(undefined)

/** The run to go back to. */
let before: { readonly settings: RunSettings; script: readonly string[]; isContinued: boolean } | undefined
let isWorkerOfParts = false

/** The run at which the script was kept last. */
let seen: unknown

effect(() => {
  const present = summary.value
  if (isBusy.value || present === undefined || present === seen) return
  seen = present
  if (!hasPart(present.settings)) {
    before = undefined
    return
  }
  void ask('script', last.value)
    .then(script => {
      if (before?.isContinued === true) before.script = script
    })
    .catch(() => undefined)
})

setInterval(() => {
  const isSilent = before !== undefined && silentMs() > SILENT_MS
  if (isSilent !== (endSilent.value !== undefined)) endSilent.value = isSilent ? () => void end(SILENT) : undefined
}, LOOK_EVERY_MS)

const SILENT = 'Your part did not come to an end, so it was stopped. This is the run without it.'

/**
 * A new run of the exercise's two lanes, with the operations of the present run or with others. Then the first difference is looked for, and gone
 * to.
 */
export async function use(exercise: string, source: string, script?: readonly string[]): Promise<void> {
  difference.value = undefined
  await performing(async () => {
    const { settings, isOfFiles, isRecorded } = summary.value!
    if (isOfFiles || isRecorded)
      throw new ExplorerError(
        'KVARIUM_NOT_REPEATABLE',
        'A part is used in a new run, not on the files of a store: load the page again, and use it there',
      )
    const own = await ask('script', last.value)
    if (!hasPart(settings)) before = { settings, script: own, isContinued: true }
    if (script !== undefined) before!.isContinued = false
    if (!isWorkerOfParts) {
      connectTo(newWorker('part-worker'))
      isWorkerOfParts = true
    }
    summary.value = await ask('begin', { ...settings, lanes: await ask('partLanes', exercise, source) })
    summary.value = await ask('add', linesOf(script ?? own))
    await goTo(last.value)
  })
  if (problem.value === undefined) await findDifference()
}

/** Finds where the two lanes go different ways, and goes there. */
export async function findDifference(): Promise<void> {
  await performing(async () => {
    const found = await ask('difference')
    difference.value = found ?? 'none'
    const [wanted, got] = found?.steps ?? []
    const step = got ?? wanted
    if (step !== undefined) await goTo(step.position)
  })
}

/** Ends the worker of the part, whatever it does, and does the run again without it. */
export async function end(why?: string): Promise<void> {
  if (before === undefined) return
  const { settings, script } = before
  before = undefined
  isWorkerOfParts = false
  endSilent.value = undefined
  connectTo(newWorker('worker'))
  await performing(async () => {
    summary.value = await ask('begin', settings)
    summary.value = await ask('add', linesOf(script))
    await goTo(last.value)
  })
  if (why !== undefined) problem.value ??= why
}

export function isUsed(lanes: readonly LaneSettings[]): boolean {
  return lanes.some(({ part }) => part?.source !== undefined)
}
