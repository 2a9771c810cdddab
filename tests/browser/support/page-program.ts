/** What runs in a page for `browser.test.ts`. */
// @ts-expect-error -- it has no types
import abstractSuite from 'abstract-level/test/index.js'
import { destroyInWorker, openInWorker, type WorkerStore } from '../../../src/browser/index.js'
import { runTests, test } from './small-tape.js'

interface Page {
  runSuite(script: string): Promise<unknown>
  start(script: string): void
  open(location: string): Promise<string>
  write(): void
  acknowledged: number
  count(location: string): Promise<number>
  codesAfterEnd(): Promise<string[]>
  checkpoint(engine: string): Promise<unknown>
  failedCheckpoint(): Promise<unknown>
}

const page = globalThis as unknown as Page
const suite = abstractSuite as (options: { test: unknown; factory: (options: object) => unknown }) => void

page.runSuite = async script => {
  const worker = new Worker(script)
  let stores = 0
  const factory = (options: object): WorkerStore => openInWorker(worker, `suite-${++stores}`, options)
  suite({ test, factory })
  return runTests()
}

let worker: Worker
let db: WorkerStore
page.start = script => {
  worker = new Worker(script)
}

page.open = async location => {
  db = openInWorker(worker, location)
  try {
    await db.open()
    return 'open'
  } catch (error) {
    const { code, cause } = error as { readonly code: string; readonly cause?: { readonly code: string; readonly message: string } }
    return [code, cause?.code, cause?.message].join(' ')
  }
}

page.write = () => {
  page.acknowledged = -1
  const writeAll = async (): Promise<void> => {
    for (let number = 0; ; number++) {
      await db.put(String(number).padStart(6, '0'), `value ${number}`)
      page.acknowledged = number
    }
  }
  void writeAll()
}

page.count = location => countIn(location)

async function countIn(location: string, engine?: string): Promise<number> {
  db = openInWorker(worker, location, { engine } as object)
  let count = 0
  for await (const [key, value] of db.iterator()) {
    if (key !== String(count).padStart(6, '0') || value !== `value ${count}`) throw new Error(`${key} is there after ${count} others`)
    count++
  }
  await db.close()
  return count
}

const entries = (from: number, count: number): { type: 'put'; key: string; value: string }[] =>
  Array.from({ length: count }, (_, i) => ({ type: 'put', key: String(from + i).padStart(6, '0'), value: `value ${from + i}` }))

async function filled(location: string, engine = 'lsm'): Promise<WorkerStore> {
  const store = openInWorker(worker, location, { engine } as object)
  for (let from = 0; from < 3000; from += 300) {
    await store.batch(entries(from, 300))
    await store.flush()
  }
  return store
}

page.checkpoint = async engine => {
  const [location, copy] = [`${engine}/source`, `${engine}/copy`]
  const store = await filled(location, engine)
  let after = 3000
  const made = store.checkpoint(copy)
  let isMade = false
  void made.finally(() => (isMade = true))
  do {
    await store.batch(entries(after, 10))
    after += 10
  } while (!isMade)
  await made
  await store.close()
  if ((await countIn(location, engine)) !== after) throw new Error('The store has other entries')
  const inCopy = await countIn(copy, engine)
  await destroyInWorker(worker, location)
  await destroyInWorker(worker, copy)
  return { atCall: 3000, inCopy, after }
}

page.failedCheckpoint = async () => {
  const root = await navigator.storage.getDirectory()
  const folders = async (): Promise<string[]> => {
    const names: string[] = []
    for await (const name of (root as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name)
    return names.filter(name => ['source', 'ended', 'gone'].includes(name))
  }
  const gone = await filled('gone')
  await gone.close()
  await destroyInWorker(worker, 'gone')
  const store = await filled('source')
  const abort = new AbortController()
  const made = codeOf(store.checkpoint('ended', { signal: abort.signal }))
  // The worker has begun before it gets this.
  abort.abort()
  const other = new Worker('/store.js')
  const second = openInWorker(other, 'second')
  await second.open()
  const codes = [await made, await codeOf(store.checkpoint('source/copy')), await codeOf(store.checkpoint('second'))]
  await second.close()
  await destroyInWorker(worker, 'second')
  await store.close()
  return { codes, folders: await folders() }
}

page.codesAfterEnd = async () => {
  const ended = new Worker('/store.js')
  const stores = [openInWorker(ended, 'ended'), openInWorker(ended, 'ended-too')]
  await Promise.all(stores.map(store => store.open()))
  ended.terminate()
  const waiting = stores.map(store => codeOf(store.get('a')))
  const codes = [...(await Promise.all(waiting)), await codeOf(stores[0].put('a', 'b')), await codeOf(stores[1].iterator().next())]
  return [...codes, ...(await Promise.all(stores.map(store => codeOf(store.close()))))]
}

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'resolved',
    (error: unknown) => (error as { readonly code: string }).code,
  )
}
