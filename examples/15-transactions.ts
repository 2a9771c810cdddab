/** What happens when two transactions change the same account? */
import type { Lab, LabStore } from './lab/lab.js'
import type { EventType } from '../src/trace/events.js'

export const question = 'What happens when two transactions change the same account?'

/** What the transcript shows of a transaction. */
const STEPS: readonly EventType[] = [
  'get.probe',
  'snapshot.take',
  'transaction.conflict',
  'log.append',
  'transaction.commit',
  'snapshot.release',
]
const START = 100

export async function run(lab: Lab): Promise<void> {
  await lostUpdate(lab)
  await oneTransfer(lab)
  await conflict(lab)
  await writeSkew(lab)
}

async function lostUpdate(lab: Lab): Promise<void> {
  lab.heading('Without transactions')
  lab.say(
    `Ann, Ben and Cat have ${START} each. A transfer reads two balances, and puts two. Two transfers from Ann run side by side: 30 to Ben, 20 to Cat.`,
  )
  const db = await opened(lab, '/plain')
  lab.predict('Both read before either puts. How much do the three have afterwards, together?')
  await lab.do(db, 'both transfers, each with two gets and two puts', async () => {
    const balances = await Promise.all(['ann', 'ben', 'ann', 'cat'].map(async key => Number(await db.get(key))))
    const [ann1, ben, ann2, cat] = balances
    for (const [key, value] of [
      ['ann', ann1 - 30],
      ['ben', ben + 30],
      ['ann', ann2 - 20],
      ['cat', cat + 20],
    ] as const) {
      await db.put(key, String(value))
    }
  })
  const sum = lab.number('lost-sum', await sumOf(lab, db))
  lab.reveal(
    sum,
    `The second transfer put what it had read before the first one, less 20: the ${lab.number('lost', sum - 3 * START)} that Ann paid Ben were never taken from her.`,
  )
  await db.close()
}

async function oneTransfer(lab: Lab): Promise<void> {
  lab.heading('One transfer')
  const db = await opened(lab, '/one')
  lab.predict('A transaction reads two keys and puts two. How many records does it append to the log?')
  await lab.do(db, 'transaction: 30 from ann to ben', () => transfer(db, 'ann', 'ben', 30), STEPS)
  const records = lab.number('records', lab.events('log.append').length)
  lab.reveal(
    records,
    'The puts wait in memory until the function ends. Then they are one batch, and a batch is one record: a crash leaves all of it or nothing.',
  )
  await sumOf(lab, db)
  await db.close()
}

async function conflict(lab: Lab): Promise<void> {
  lab.heading('Two transfers at once')
  lab.say('The same two transfers, as transactions. The second one begins and ends after the first one has read.')
  const db = await opened(lab, '/two')
  lab.predict('Nothing is locked. Which of the two has to run again, and when does the store find out?')
  let runs = 0
  await lab.do(
    db,
    'transaction: 30 from ann to ben, and in the midst of it 20 from ann to cat',
    () =>
      transfer(db, 'ann', 'ben', 30, async () => {
        if (runs++ === 0) await transfer(db, 'ann', 'cat', 20)
      }),
    STEPS,
  )
  lab.number('runs', runs)
  const [{ attempt }] = lab.events('transaction.conflict')
  lab.reveal(
    'The first, when it commits',
    `The transfer to Cat commits: nothing that it read has changed. Before its batch takes effect, the store takes a snapshot, so that the transfer to
      Ben goes on reading the moment in which it began. When that one wants to commit, "ann" has changed since. Run ${attempt} has no effect, and the
      function runs again, with what is there now.`,
  )
  await sumOf(lab, db)
  await db.close()
}

async function writeSkew(lab: Lab): Promise<void> {
  lab.heading('Different keys')
  lab.say('Two doctors are on call, and one of them has to be. Each may leave if the other stays. Both ask at once.')
  const db = await lab.open('/calls')
  await db.batch(['doctor/ada', 'doctor/bob'].map(key => ({ type: 'put', key, value: 'on call' })))
  lab.predict('Each reads both and puts only its own key. Do the two transactions conflict?')
  const answers: string[] = []
  const leave = (key: string, meanwhile?: () => Promise<void>): Promise<void> =>
    db.transaction(async tx => {
      const onCall = (await tx.values({ gte: 'doctor/', lt: 'doctor0' }).all()).filter(value => value === 'on call').length
      if (onCall > 1) await tx.put(key, 'away')
      answers.push(`${key} ${onCall > 1 ? 'leaves' : 'stays'}`)
      await meanwhile?.()
    })
  let isFirst = true
  await lab.do(
    db,
    'transaction: ada leaves if bob stays, and in the midst of it: bob leaves if ada stays',
    () =>
      leave('doctor/ada', async () => {
        if (!isFirst) return
        isFirst = false
        await leave('doctor/bob')
      }),
    ['transaction.conflict', 'transaction.commit'],
  )
  lab.reveal(
    lab.events('transaction.conflict').length === 1 ? 'Yes' : 'No',
    `A snapshot alone would not do: each would see the other on call, and neither writes what the other wrote. The store compares what was read, the range included, so
      a third doctor who came or went would count, too.`,
  )
  lab.lines('What the function decided, run by run', answers)
  await db.close()
}

async function opened(lab: Lab, location: string): Promise<LabStore> {
  const db = await lab.open(location)
  await db.batch(['ann', 'ben', 'cat'].map(key => ({ type: 'put', key, value: String(START) })))
  return db
}

/** Moves an amount; `meanwhile` runs between the reads and the writes. */
function transfer(db: LabStore, from: string, to: string, amount: number, meanwhile?: () => Promise<void>): Promise<void> {
  return db.transaction(async tx => {
    const balance = Number(await tx.get(from))
    const other = Number(await tx.get(to))
    await meanwhile?.()
    await tx.put(from, String(balance - amount))
    await tx.put(to, String(other + amount))
  })
}

async function sumOf(lab: Lab, db: LabStore): Promise<number> {
  const entries = await lab.do(
    db,
    'all balances',
    () => db.iterator().all(),
    [],
    all => all.map(([key, value]) => `${key} ${value}`).join(', '),
  )
  return entries.reduce((sum, [, value]) => sum + Number(value), 0)
}
