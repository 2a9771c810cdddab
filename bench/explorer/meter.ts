/** Measures the explorer from inside its page, from before its first script on: when calls of its worker are answered and drawn, and long tasks. */

export interface StepTimes {
  /** From the key to the drawn answer, layout included, in milliseconds. */
  readonly look: number
  /** From the key until every call that followed has been answered and drawn. */
  readonly settled: number
}

export interface Meter {
  /** When the first look was drawn, and when the run of the page's beginning was, in milliseconds since the page's start. */
  readonly ready: { first: number; demo: number }
  /** Presses a key `times` times, each time after the page has settled. */
  press(key: string, times: number): Promise<readonly StepTimes[]>
  /** Goes to positions by the timeline, which are parts of its length. */
  jump(places: readonly number[]): Promise<readonly StepTimes[]>
  /** Resolves when the run has been performed and drawn. */
  settled(): Promise<void>
  /** Durations of tasks over 50 ms since the call before. */
  longTasks(): readonly number[]
  position(): number
}

interface Call {
  readonly id: number
  readonly call: string
}

declare global {
  var meter: Meter
}

const open = new Map<number, string>()
const waiting = new Set<() => void>()
let looks = 0
let longest: number[] = []
const ready = { first: 0, demo: 0 }

new PerformanceObserver(list => {
  for (const { duration } of list.getEntries()) longest.push(duration)
}).observe({ type: 'longtask', buffered: true })

const { port1, port2 } = new MessageChannel()
const afterTask: (() => void)[] = []
port1.onmessage = () => afterTask.shift()!()

function nextTask(): Promise<void> {
  return new Promise(resolve => {
    afterTask.push(resolve)
    port2.postMessage(null)
  })
}

/** Resolves after the handlers of the present message and what they have the page draw. */
async function drawn(): Promise<void> {
  await nextTask()
  document.body.getBoundingClientRect()
}

const { Worker: PlainWorker } = globalThis
globalThis.Worker = class extends PlainWorker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options)
    this.addEventListener('message', event => void this.#answered(event.data as { readonly id?: number }))
  }

  override postMessage(message: Call): void {
    if ('id' in message) open.set(message.id, message.call)
    super.postMessage(message)
  }

  async #answered({ id }: { readonly id?: number }): Promise<void> {
    if (id === undefined) return
    const call = open.get(id)
    await drawn()
    open.delete(id)
    if (call === 'look') {
      looks++
      ready.first ||= performance.now()
    }
    for (const wake of [...waiting]) wake()
  }
}

function until(holds: () => boolean): Promise<void> {
  return new Promise(resolve => {
    const check = (): void => {
      if (!holds()) return
      waiting.delete(check)
      resolve()
    }
    waiting.add(check)
    check()
  })
}

function hasTurns(): boolean {
  return document.querySelector('.drawing[aria-busy=true]') !== null
}

/** No call is under way, no drawing waits for its turn, and no call follows within two frames. */
async function settled(): Promise<number> {
  for (;;) {
    await until(() => open.size === 0)
    if (hasTurns()) {
      while (hasTurns()) await nextTask()
      document.body.getBoundingClientRect()
    }
    const at = performance.now()
    await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    if (open.size === 0 && !hasTurns()) return at
  }
}

async function timed(act: () => void): Promise<StepTimes> {
  const before = looks
  const began = performance.now()
  act()
  await until(() => looks > before)
  const look = performance.now() - began
  return { look, settled: (await settled()) - began }
}

function pressKey(key: string): void {
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
}

function timeline(): Element {
  return document.querySelector('[role=slider][aria-valuemax]')!
}

globalThis.meter = {
  ready,
  async press(key, times) {
    const steps: StepTimes[] = []
    for (let step = 0; step < times; step++) steps.push(await timed(() => pressKey(key)))
    return steps
  },
  async jump(places) {
    const steps: StepTimes[] = []
    for (const place of places) {
      const { left, top, width } = timeline().getBoundingClientRect()
      const init = { pointerId: 1, bubbles: true, clientX: left + place * width, clientY: top + 5 }
      steps.push(
        await timed(() => {
          timeline().dispatchEvent(new PointerEvent('pointerdown', init))
        }),
      )
    }
    return steps
  },
  async settled() {
    await settled()
    ready.demo ||= performance.now()
  },
  longTasks() {
    const tasks = longest
    longest = []
    return tasks
  },
  position: () => Number(timeline().getAttribute('aria-valuenow')),
}
