/**
 * The state of the page: signals, and the moves that change them.
 *
 * Invariants:
 * 1. `look` is what the worker said about the newest position that was asked for; answers that come late are dropped.
 * 2. Only the functions here change a signal.
 */
import { computed, signal } from '@preact/signals'
import type { Line } from '../run/line.js'
import { DEFAULT_LANES } from '../run/engine-lanes.js'
import type { RunSettings } from '../run/run.js'
import { decodeScenario, encodeScenario, linesOf } from '../run/scenario.js'
import type { CallName, ExplorerCalls, Look, SeekRequest, Selection, Summary } from '../session/protocol.js'
import { PICTURE_NAMES } from '../views/catalog.js'
import { connect, type Client } from './client.js'

export const summary = signal<Summary | undefined>(undefined)
export const position = signal(0)
export const look = signal<Look | undefined>(undefined)
/** Whether operations are being performed. */
export const isBusy = signal(false)
/** What went wrong last, in a sentence. */
export const problem = signal<string | undefined>(undefined)
/** What drawings and panels show more of. */
export const selection = signal<Selection | undefined>(undefined)
export const last = computed(() => summary.value?.moments ?? 0)

let client: Client

/** Begins with the run of a link, if there is one. */
export async function start(worker: Worker, link: string): Promise<void> {
  client = connect(worker, progress => (summary.value = progress))
  if (link !== '' && (await open(link))) return
  const wrong = problem.value
  await begin({ seed: 1, lanes: DEFAULT_LANES })
  problem.value = wrong
}

/** Does what a link says, and goes to its position. */
export async function open(link: string): Promise<boolean> {
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
export async function linkHere(): Promise<string> {
  const { settings } = summary.value!
  return encodeScenario({ settings, script: await client.script(position.value), position: position.value })
}

/** A new run. */
export async function begin(settings: RunSettings): Promise<void> {
  await guarded(async () => {
    summary.value = await client.begin(settings)
    await goTo(summary.value.moments)
  })
}

/** Performs lines in all lanes, and goes to the first moment of what they did. */
export async function add(lines: readonly Line[]): Promise<void> {
  await guarded(async () => {
    const before = last.value
    isBusy.value = true
    try {
      summary.value = await client.add(lines)
    } finally {
      isBusy.value = false
    }
    await goTo(Math.min(before + 1, last.value))
  })
}

export function stop(): void {
  client.stop()
}

export async function goTo(wanted: number): Promise<void> {
  const to = Math.max(0, Math.min(wanted, last.value))
  position.value = to
  const found = await client.look({ position: to, pictures: PICTURE_NAMES })
  if (position.value === to) look.value = found
}

/** Goes on to the next place of a kind; stays where there is none. */
export async function move(direction: 1 | -1, at: SeekRequest['at'], lane?: number): Promise<void> {
  const found = await client.seek({ from: position.value, direction, at, ...(lane !== undefined && { lane }) })
  if (found === undefined) problem.value = 'There is nothing more this way'
  else {
    problem.value = undefined
    await goTo(found)
  }
}

export function select(what: Selection | undefined): void {
  selection.value = what
}

/** A call whose answer only one component needs. */
export function ask<Name extends CallName>(
  name: Name,
  ...parameters: Parameters<ExplorerCalls[Name]>
): Promise<ReturnType<ExplorerCalls[Name]>> {
  const call = client[name] as unknown as (...all: readonly unknown[]) => Promise<ReturnType<ExplorerCalls[Name]>>
  return call(...parameters)
}

async function guarded(work: () => Promise<void>): Promise<void> {
  problem.value = undefined
  try {
    await work()
  } catch (error) {
    problem.value = error instanceof Error ? error.message : String(error)
  }
}
