/**
 * The state of the page: signals, and the moves that change them.
 *
 * Invariants:
 * 1. `look` is what the worker said last about a position, and comes to be that of `position`: one answer is under way at a time.
 * 2. Only the functions here change a signal.
 */
import { ExplorerError } from '../run/explorer-error.js'
import type { RunSettings } from '../run/settings.js'
import { computed, signal } from '@preact/signals'
import type { Line } from '../run/line.js'
import { DEFAULT_LANES } from '../run/engine-lanes.js'
import { decodeScenario, encodeScenario, linesOf } from '../run/scenario.js'
import type { StoredFile } from '../run/stored-files.js'
import type { Selection } from '../session/selection.js'
import type { AllCalls, Look, SeekRequest, Summary, WatchedFeed } from '../session/protocol.js'
import { connect, type Client } from './client.js'
import { errorText } from './error-text.js'
import { servedFiles } from './store-files.js'

export const summary = signal<Summary | undefined>(undefined)
export const position = signal(0)
export const look = signal<Look | undefined>(undefined)
/** Whether operations are being performed. */
export const isBusy = signal(false)
/** What went wrong last, in a sentence. */
export const problem = signal<string | undefined>(undefined)
/** What drawings and panels show more of. */
export const selection = signal<Selection | undefined>(undefined)
/** What was selected before, the latest last. */
export const earlierSelections = signal<readonly Selection[]>([])
export const last = computed(() => summary.value?.moments ?? 0)
/** The first position: moments up to it are no longer kept. */
export const first = computed(() => summary.value?.first ?? 0)
/** Whether the page goes along with running programs. */
export const isAtNewest = signal(false)
/** Why the run takes no operations; `undefined` where it takes them. */
export const refusal = computed(() => {
  if (summary.value?.live !== undefined) return 'These are running programs: the page sees what they do, and can do nothing in them.'
  return summary.value?.isRecorded ? 'This is a recording: it has events, but no store that could do anything.' : undefined
})

/** What a page without a link begins with: enough for a flush, a compaction, splits and a checkpoint, and a look at what they left. */
const DEMO = ['ascending 40', 'random 400 keys 300', 'put mars "the red planet" sync', 'del key000007', 'get key000042', 'get nothing']

/** Ends engines that have not answered for long, as a reader's part in them may never come to an end; `undefined` while they answer. */
export const endSilent = signal<(() => void) | undefined>(undefined)

let client: Client
let isConnected = false

/** Runs go to this worker from now on; it has none yet. What waits for the one before gets no answer. */
export function connectTo(worker: Worker): void {
  if (isConnected) client.close()
  isConnected = true
  wanted = undefined
  client = connect(worker, takeProgress)
}

/** For how long the engines have given no sign while an answer is waited for, in milliseconds. */
export function silentMs(): number {
  return client.silentMs()
}

/** Begins with the run of a link, if there is one. */
export async function start(worker: Worker, link: string): Promise<void> {
  connectTo(worker)
  if (link !== '' && (await open(link))) return
  const wrong = problem.value
  await begin({ seed: 1, lanes: DEFAULT_LANES })
  await add(linesOf(DEMO))
  problem.value = wrong
}

function takeProgress(progress: Summary): void {
  summary.value = progress
  if (progress.live !== undefined && isAtNewest.value) void goTo(progress.moments)
  else if (position.value < first.value) void goTo(first.value)
}

/** A new run of what stores of running programs do. */
export async function watch(feeds: readonly WatchedFeed[]): Promise<void> {
  await guarded(async () => {
    summary.value = await client.watch(feeds)
    await goTo(last.value)
  })
}

export async function pauseLive(isPaused: boolean): Promise<void> {
  await guarded(async () => {
    summary.value = await client.pause(isPaused)
  })
}

/** The fragment of the page's address where its server has the files of a store. */
const STORE_LINK = 'store'

/** A new run on a copy of a store's files, or on a recording. */
export async function openFiles(files: () => Promise<readonly StoredFile[]>): Promise<boolean> {
  let isOpen = false
  await performing(async () => {
    summary.value = await client.openFiles(await files())
    await goTo(summary.value.moments)
    isOpen = true
  })
  return isOpen
}

/** Does what a link says, and goes to its position. */
export async function open(link: string): Promise<boolean> {
  if (link === STORE_LINK) return openFiles(servedFiles)
  let isOpen = false
  await guarded(async () => {
    const { settings, script, position: at } = await decodeScenario(link)
    const lines = linesOf(script)
    summary.value = await client.begin(settings)
    isBusy.value = true
    try {
      summary.value = await client.add(lines)
    } finally {
      isBusy.value = false
    }
    await goTo(at)
    isOpen = true
  })
  return isOpen
}

/** The run up to the present operation, with the present position, as a link. */
export function linkHere(): Promise<string> {
  return linkUpTo(position.value)
}

/** The whole run, with the present position, as a link. */
export function linkToAll(): Promise<string> {
  return linkUpTo(last.value)
}

async function linkUpTo(end: number): Promise<string> {
  const { settings, isOfFiles, isRecorded } = summary.value!
  if (isRecorded) throw new ExplorerError('KVARIUM_NOT_REPEATABLE', 'A link cannot carry a recording: pass its file on')
  if (isOfFiles) throw new ExplorerError('KVARIUM_NOT_REPEATABLE', 'A link cannot carry the files of your store: save the trace instead')
  return encodeScenario({ settings, script: await client.script(end), position: position.value })
}

/** A new run. */
export async function begin(settings: RunSettings): Promise<void> {
  await guarded(async () => {
    summary.value = await client.begin(settings)
    await goTo(summary.value.moments)
  })
}

/**
 * Performs lines in all lanes, behind the operation at the present position. After a single operation the page stands at its first moment,
 * ready to be stepped through; after many, at the end.
 */
export async function add(lines: readonly Line[]): Promise<void> {
  await performing(async () => {
    const isOne = lines.length === 1 && 'operation' in lines[0]
    const arrive = unlessMoved(async ({ operations, moments }) => (isOne ? startOf(operations - 1) : moments))
    await arrive(await client.add(lines, position.value))
  })
}

/** A new run of these lines; the page stands at its end. */
export async function performLines(settings: RunSettings, lines: readonly Line[]): Promise<void> {
  await performing(async () => {
    await client.begin(settings)
    summary.value = await client.add(lines)
    await goTo(last.value)
  })
}

/** Where the page stood in the run that waits. */
let positionAside = 0

/** The present run waits while others take its place. */
export async function setAside(): Promise<void> {
  await client.setAside()
  positionAside = position.value
}

/** Goes on with the run that waits, where it was left. */
export async function takeBack(): Promise<void> {
  await performing(async () => {
    summary.value = await client.takeBack()
    await goTo(positionAside)
  })
}

/** Brings back the operations that were dropped last. */
export async function restore(): Promise<void> {
  await performing(async () => {
    const arrive = unlessMoved(async ({ moments }) => moments)
    await arrive(await client.restore())
  })
}

/** Runs the same operations with other settings, and goes to the operation at which the page stood. */
export async function replay(settings: RunSettings): Promise<void> {
  await performing(async () => {
    const operation = look.value?.moment?.operation ?? -1
    const wasLast = position.value === last.value
    const arrive = unlessMoved(async ({ moments }) => (wasLast || operation < 0 ? moments : startOf(operation)))
    await arrive(await client.replay(settings))
  })
}

/** Takes the summary of what was performed, and goes where it leads, unless the reader has gone elsewhere meanwhile. */
function unlessMoved(to: (found: Summary) => Promise<number>): (found: Summary) => Promise<void> {
  const before = moves
  return async found => {
    summary.value = found
    if (moves === before) await goTo(await to(found))
  }
}

async function startOf(operation: number): Promise<number> {
  const [row] = await client.operations(operation, operation + 1)
  return row?.start ?? last.value
}

export function stop(): void {
  client.stop()
}

/** Where the page is on its way to. */
let wanted: { readonly position: number } | undefined

/** How often the page has been sent to another position. */
let moves = 0

export async function goTo(to: number): Promise<void> {
  moves++
  position.value = Math.max(first.value, Math.min(to, last.value))
  isAtNewest.value = position.value === last.value
  // While an answer is on its way, only the newest wish waits.
  const isUnderWay = wanted !== undefined
  wanted = { position: position.value }
  if (isUnderWay) return
  try {
    let next
    do {
      next = wanted
      look.value = await client.look({ position: next.position })
    } while (next !== wanted)
  } finally {
    wanted = undefined
  }
}

/** Goes on to the next place of a kind; stays where there is none. */
export async function move(direction: 1 | -1, at: SeekRequest['at'], lane?: number): Promise<void> {
  const next = position.value + direction
  const isBeside = at === 'moment' && lane === undefined && next >= 0 && next <= last.value
  const found = isBeside ? next : await client.seek({ from: position.value, direction, at, ...(lane !== undefined && { lane }) })
  if (found === undefined) problem.value = 'There is nothing more this way'
  else {
    problem.value = undefined
    await goTo(found)
  }
}

const MOST_EARLIER = 30

export function select(what: Selection | undefined): void {
  const before = selection.value
  if (JSON.stringify(before) === JSON.stringify(what)) return
  if (before !== undefined) earlierSelections.value = [...earlierSelections.value, before].slice(-MOST_EARLIER)
  selection.value = what
}

/** Selects again what was selected before, if anything was. */
export function selectEarlier(): void {
  const before = earlierSelections.value.at(-1)
  if (before === undefined) return
  earlierSelections.value = earlierSelections.value.slice(0, -1)
  selection.value = before
}

/** Selects nothing, as what was selected before belongs to another run. */
export function forgetSelections(): void {
  earlierSelections.value = []
  selection.value = undefined
}

/** A call whose answer only one component needs. */
export function ask<Name extends keyof AllCalls>(
  name: Name,
  ...parameters: Parameters<AllCalls[Name]>
): Promise<ReturnType<AllCalls[Name]>> {
  const call = client[name] as unknown as (...all: readonly unknown[]) => Promise<ReturnType<AllCalls[Name]>>
  return call(...parameters)
}

/** Does what changes the run. What it throws becomes the problem of the page. */
export async function performing(work: () => Promise<void>): Promise<void> {
  await guarded(async () => {
    isBusy.value = true
    try {
      await work()
    } finally {
      isBusy.value = false
    }
  })
}

async function guarded(work: () => Promise<void>): Promise<void> {
  problem.value = undefined
  try {
    await work()
  } catch (error) {
    problem.value = errorText(error)
  }
}
