/**
 * Reading on other cores: worker threads count words in a store that this thread goes on writing. Each sees one moment, the same for all,
 * until it asks for a newer one. A thread needs JavaScript, or Node 22.18 and later: run it after `npm run build` with
 * `node examples/readers-in-threads.ts`.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Kvarium } from 'kvarium'
import { openReader, type ReaderHandle } from 'kvarium/reader'

interface Page {
  readonly text: string
}

/** What a thread is given: where it reads, and which of the pages are its own. */
interface Task {
  readonly handle: ReaderHandle
  readonly from: string
  readonly to: string
}

async function store(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'kvarium-pages-'))
  const db = new Kvarium<string, Page>(directory, { valueEncoding: 'msgpack' })
  const key = (i: number): string => `page ${String(i).padStart(4, '0')}`
  const write = (text: string): Promise<void> =>
    db.batch(Array.from({ length: 2000 }, (_, i) => ({ type: 'put', key: key(i), value: { text } })))
  await write('four words are here')

  // A share holds this moment. Every reader needs a handle of its own, and the handle's port goes into the transfer list.
  const share = await db.share()
  const workers = [0, 1000].map(from => {
    const handle = share.handle()
    const task: Task = { handle, from: key(from), to: key(from + 1000) }
    return new Worker(new URL(import.meta.url), { workerData: task, transferList: [handle.port] })
  })

  // What is written now is newer than the share: no reader sees it before it asks.
  const counted = workers.map(worker => once(worker, 'message') as Promise<[number]>)
  await write('and now there are six words')
  await db.compactRange()
  const words = await Promise.all(counted)
  console.log(
    'words in the shared moment:',
    words.flat().reduce((sum, n) => sum + n),
  )

  // No more readers are to be opened. Those that are open hold the moment by themselves.
  share.release()
  console.log('open readers:', db.stats().readers)

  const recounted = workers.map(worker => once(worker, 'message') as Promise<[number]>)
  for (const worker of workers) worker.postMessage('refresh')
  console.log(
    'words now:',
    (await Promise.all(recounted)).flat().reduce((sum, n) => sum + n),
  )

  await Promise.all(workers.map(worker => worker.terminate()))
  await db.close()
  await rm(directory, { recursive: true })
}

async function reader({ handle, from, to }: Task): Promise<void> {
  // The encodings are those of the store. The cache is this thread's own.
  const pages = await openReader<string, Page>(handle, { cacheSize: 8 * 1024 * 1024 })
  const count = async (): Promise<void> => {
    let words = 0
    for await (const { text } of pages.values({ gte: from, lt: to })) words += text.split(' ').length
    parentPort?.postMessage(words)
  }
  parentPort?.on('message', () => void pages.refresh().then(count))
  await count()
}

await (isMainThread ? store() : reader(workerData as Task))
