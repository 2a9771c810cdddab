/** A run as text: its trace, and a program that does the same in Node. */
import { ExplorerError } from '../run/explorer-error.js'
import { loadHash32, mix32 } from 'kvarium/codec'
import { jsonLines } from 'kvarium/observe'
import type { TraceEvent } from 'kvarium/trace'
import type { Operation } from '../run/operation.js'
import type { Moment, Run } from '../run/run.js'

/**
 * A digest of everything that happened: eight hexadecimal digits that are the same for the same moments, with every byte that was written.
 */
export async function digestOf({ moments }: Run): Promise<string> {
  const hash32 = await loadHash32()
  const encoder = new TextEncoder()
  let digest = 0
  const add = (line: string): void => {
    digest = mix32(digest, hash32(encoder.encode(line), 0))
  }
  for (const moment of moments) {
    if (moment.kind === 'event') for (const line of jsonLines([moment.event])) add(line)
    else add(JSON.stringify(moment))
  }
  return digest.toString(16).padStart(8, '0')
}

/** The trace of a lane as JSON lines, which `kvarium/observe` reads. */
export function traceText({ moments }: Run, lane: number): string {
  const events = moments.flatMap((moment: Moment): TraceEvent[] => (moment.kind === 'event' && moment.lane === lane ? [moment.event] : []))
  return [...jsonLines(events)].join('')
}

/**
 * A module for Node that does the same operations with the same engines, without those that failed. Throws where the run has a crash, which is at an event of the run
 * alone, or a part, whose code is not in the run.
 */
export function programText(run: Run): string {
  const { seed, lanes } = run.settings
  const operations = doneIn(run)
  if (operations.some(({ type }) => type === 'crash')) {
    throw new ExplorerError('KVARIUM_NOT_REPEATABLE', 'A run with a crash is no program: go back before the crash, and export that')
  }
  if (lanes.some(({ part }) => part !== undefined)) {
    throw new ExplorerError(
      'KVARIUM_NOT_REPEATABLE',
      'A run with a part is no program: the guide of the exercise says how a program uses the file of your part',
    )
  }
  const hasTransactions = operations.some(({ type }) => type === 'begin')
  return `// npm install kvarium, then: node run.mjs
import { Kvarium } from 'kvarium'
import { simulatedEnvironment } from 'kvarium/vfs'

const seed = ${seed}
const lanes = ${JSON.stringify(lanes, undefined, 2)}
const operations = [
${operations.map(operation => `  ${JSON.stringify(operation)},`).join('\n')}
]

const bounds = ({ from, to }) => ({ ...(from !== undefined && { gte: from }), ...(to !== undefined && { lt: to }) })

for (const { name, engine, options } of lanes) {
  const environment = simulatedEnvironment({ seed })
  const store = new Kvarium('/store', { ...options, engine, environment })
  const snapshots = new Map()
${hasTransactions ? TRANSACTIONS : ''}  for (const operation of operations) {
    const { type, key, value, ttl, sync = false } = operation
    const snapshot = snapshots.get(operation.snapshot)
    if (type === 'put') await store.put(key, value, { sync, ttl })
    else if (type === 'del') await store.del(key, { sync })
    else if (type === 'get') console.log(name, 'get', key, await store.get(key, { snapshot }))
    else if (type === 'range') {
      const { limit = -1, reverse = false } = operation
      console.log(name, 'range', await store.iterator({ ...bounds(operation), limit, reverse }).all())
    } else if (type === 'batch') await store.batch(operation.operations, { sync })
    else if (type === 'clear') await store.clear(bounds(operation))
    else if (type === 'snapshot') snapshots.set(operation.name, store.snapshot())
    else if (type === 'release') {
      await snapshots.get(operation.name).close()
      snapshots.delete(operation.name)
    } else if (type === 'sync') await store.clear({ gte: '', lt: '', sync: true })
    else if (type === 'flush') await store.flush()
    else if (type === 'compact') await store.compactRange(operation.from, operation.to)
    else if (type === 'wait') await environment.scheduler.sleep(operation.ms)
    else if (type === 'reopen') {
      for (const held of snapshots.values()) await held.close()
      snapshots.clear()
${hasTransactions ? `    ${ABORT_ALL}` : ''}      await store.close()
      await store.open()
    }${hasTransactions ? TRANSACTION_OPERATIONS : ''}
  }
${hasTransactions ? ABORT_ALL : ''}  const { write, space } = store.stats().amplification
  console.log(name, { write, space })
  await store.close()
}
`
}

/** The operations without those that failed in every lane. An end of a transaction stays: it is over, however it ended. */
function doneIn({ moments, operations }: Run): readonly Operation[] {
  const done = new Set<number>()
  for (const moment of moments) if (moment.kind === 'return' && moment.outcome.status !== 'failed') done.add(moment.operation)
  return operations.filter(({ type }, index) => done.has(index) || type === 'commit' || type === 'abort')
}

/** A transaction stays open while its function waits for `end`. */
const TRANSACTIONS = `  const transactions = new Map()
  const begin = (transaction, sync) =>
    new Promise((resolve, reject) => {
      const ended = store.transaction(
        tx =>
          new Promise((commit, abort) => {
            transactions.set(transaction, { tx, commit, abort, result: () => ended })
            resolve()
          }),
        { retries: 0, sync },
      )
      ended.catch(reject)
    })
  const end = async (transaction, isCommit) => {
    const { commit, abort, result } = transactions.get(transaction)
    transactions.delete(transaction)
    if (isCommit) commit()
    else abort(new Error('aborted'))
    return result().then(
      () => 'committed',
      error => (isCommit ? error.code : 'aborted'),
    )
  }
`
const ABORT_ALL = `  for (const transaction of [...transactions.keys()]) await end(transaction, false)
`
const TRANSACTION_OPERATIONS = `
    else if (type === 'begin' && !transactions.has(operation.name)) await begin(operation.name, sync)
    else if ((type === 'commit' || type === 'abort') && transactions.has(operation.name)) {
      console.log(name, type, operation.name, await end(operation.name, type === 'commit'))
    } else if (type === 'in' && transactions.has(operation.name)) {
      const { tx } = transactions.get(operation.name)
      const { type, key, value, ttl, limit = -1, reverse = false } = operation.operation
      if (type === 'put') await tx.put(key, value, { ttl })
      else if (type === 'del') await tx.del(key)
      else if (type === 'clear') await tx.clear(bounds(operation.operation))
      else if (type === 'get') console.log(name, 'in', operation.name, 'get', key, await tx.get(key))
      else console.log(name, 'in', operation.name, 'range', await tx.iterator({ ...bounds(operation.operation), limit, reverse }).all())
    }`
