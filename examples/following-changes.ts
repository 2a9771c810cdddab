/**
 * Keeps a second store, of another engine and in another process, equal to the first. Each change is a line of JSON on the standard input of that
 * process, which is killed again and again, at random, and goes on where it was.
 *
 *     node following-changes.js [rounds] [seed]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Kvarium, type Change } from 'kvarium'

/** What the follower receives: a change; or, to start over, that it is to forget everything, some entries, and the place to go on from. */
type Message =
  Change<string, string> | { readonly forget: true } | { readonly entries: readonly [string, string][] } | { readonly position: number }

if (process.argv[2] === 'follow') await follow(process.argv[3])
else await lead(Number(process.argv[2] ?? 4), Number(process.argv[3] ?? 1))

/** The follower. Its place is written together with what it is the place of. */
async function follow(directory: string): Promise<void> {
  const db = new Kvarium(directory, { engine: 'btree' })
  const copy = db.sublevel('copy')
  console.log((await db.get('position')) ?? 'nothing yet')
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line) as Message
    if ('forget' in message) {
      await db.del('position')
      await copy.clear()
    } else if ('entries' in message) {
      await copy.batch(message.entries.map(([key, value]) => ({ type: 'put', key, value })))
    } else if ('position' in message) {
      // The copy has writes that power loss still takes: none of it may be there without the others.
      await db.put('position', String(message.position), { sync: true })
    } else {
      await apply(db, message)
    }
  }
  await db.close()
}

async function apply(db: Kvarium, { sequence, operations }: Change<string, string>): Promise<void> {
  const copy = db.sublevel('copy')
  const position = { type: 'put', key: 'position', value: String(sequence) } as const
  const puts = operations.filter(operation => operation.type !== 'clear').map(operation => ({ ...operation, sublevel: copy }))
  // A clear is a change of its own, and a follower that is killed behind it can do it again.
  for (const operation of operations) if (operation.type === 'clear') await copy.clear(operation)
  await db.batch([...puts, position])
}

/** The first store: it changes, and its follower is killed in every round but the last. */
async function lead(rounds: number, seed: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-following-'))
  const followed = join(directory, 'second')
  const random = randomNumbers(seed)
  const db = new Kvarium(join(directory, 'first'), { engine: 'lsm', changesRetainBytes: 1 << 20 })
  await change(db, random)
  let kills = 0
  for (let round = 1; round <= rounds; round++) {
    await change(db, random)
    const follower = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), 'follow', followed], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    // A killed process reads no more.
    follower.stdin.on('error', () => undefined)
    const exited = once(follower, 'exit')
    const position = Number(await once(createInterface({ input: follower.stdout }), 'line'))
    let left = round < rounds ? random(150) : Infinity
    for await (const message of messages(db, position)) {
      if (left-- <= 0) {
        follower.kill('SIGKILL')
        kills++
        break
      }
      if (!follower.stdin.write(`${JSON.stringify(message)}\n`)) await Promise.race([once(follower.stdin, 'drain'), exited])
    }
    follower.stdin.end()
    await exited
  }
  const second = new Kvarium(followed, { engine: 'btree' })
  const entries = await db.iterator().all()
  const copied = await second.sublevel('copy').iterator().all()
  const isEqual = JSON.stringify(copied) === JSON.stringify(entries)
  console.log(`${entries.length} entries; the second store, killed ${kills} times, is ${isEqual ? 'equal' : 'DIFFERENT'}`)
  await db.close()
  await second.close()
  rmSync(directory, { recursive: true })
  if (!isEqual) process.exitCode = 1
}

/** What a follower needs that is at the position: the changes since, or everything if it is new or has been away for too long. */
async function* messages(db: Kvarium, position: number): AsyncGenerator<Message> {
  if (!Number.isNaN(position)) {
    try {
      yield* db.changes({ since: position })
      return
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'LEVEL_CHANGES_GONE') throw error
    }
  }
  yield { forget: true }
  const snapshot = db.snapshot()
  const iterator = db.iterator({ snapshot })
  for (let entries = await iterator.nextv(50); entries.length > 0; entries = await iterator.nextv(50)) yield { entries }
  await iterator.close()
  await snapshot.close()
  // What the follower has must not be lost by the first store.
  await db.flush()
  yield { position: snapshot.sequence! }
  yield* db.changes({ since: snapshot.sequence! })
}

/** A hundred changes, among them a clear. */
async function change(db: Kvarium, random: (below: number) => number): Promise<void> {
  const key = (): string => `key ${String(random(1000)).padStart(3, '0')}`
  for (let i = 0; i < 100; i++) {
    if (i === 50) await db.clear({ gte: key(), lt: 'key 9' })
    else if (random(4) === 0) await db.del(key())
    else await db.batch(Array.from({ length: 1 + random(5) }, () => ({ type: 'put', key: key(), value: `value ${random(1e6)}` }) as const))
  }
}

/** Whole numbers below a limit, the same for the same seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
