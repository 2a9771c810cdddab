/** What runs in a page for `browser.test.ts`. */
// @ts-expect-error -- it has no types
import abstractSuite from 'abstract-level/test/index.js'
import { openInWorker, type WorkerStore } from '../../../src/browser/index.js'
import { runTests, test } from './small-tape.js'

interface Page {
  runSuite(script: string): Promise<unknown>
  start(script: string): void
  open(location: string): Promise<string>
  write(): void
  acknowledged: number
  count(location: string): Promise<number>
  codesAfterEnd(): Promise<string[]>
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

page.count = async location => {
  db = openInWorker(worker, location)
  let count = 0
  for await (const [key, value] of db.iterator()) {
    if (key !== String(count).padStart(6, '0') || value !== `value ${count}`) throw new Error(`${key} is there after ${count} others`)
    count++
  }
  await db.close()
  return count
}

page.codesAfterEnd = async () => {
  const ended = new Worker('/store.js')
  const stores = [openInWorker(ended, 'ended'), openInWorker(ended, 'ended-too')]
  await Promise.all(stores.map(store => store.open()))
  ended.terminate()
  const code = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'resolved',
      (error: unknown) => (error as { readonly code: string }).code,
    )
  const waiting = stores.map(store => code(store.get('a')))
  const codes = [...(await Promise.all(waiting)), await code(stores[0].put('a', 'b')), await code(stores[1].iterator().next())]
  return [...codes, ...(await Promise.all(stores.map(store => code(store.close()))))]
}
