/** What runs in a dedicated worker of a browser for `browser.test.ts`: each message is a command, its answer the result or the error. */
import { btreeEngine } from '../../../src/btree/factory.js'
import { Kvarium } from '../../../src/index.browser.js'
import { hashEngine } from '../../../src/hash/factory.js'
import { lsmEngine } from '../../../src/lsm/whole-engine.js'
import { memoryEngine } from '../../../src/memory/factory.js'
import { openOpfs, removeOpfs } from '../../../src/opfs/opfs.js'
import type { SlotFileSystem } from '../../../src/opfs/slot-file-system.js'
import { joinPath } from '../../../src/vfs/file-system.js'
import { portableEnvironment } from '../../../src/vfs/portable-environment.js'
import { engineContract } from '../../contract/support/contract-suite.js'
import type { ContractSubject } from '../../contract/support/opened-engine.js'
import { SMALL_BTREE } from '../../contract/support/small-btree.js'
import { SMALL_HASH } from '../../contract/support/small-hash.js'
import { SMALL_LSM } from '../../contract/support/small-lsm.js'
import { runTests } from '../../support/browser-vitest.js'
import { slice } from '../../support/thoroughness.js'

declare const self: { onmessage: (event: { readonly data: Command }) => void; postMessage(message: unknown): void }

interface Command {
  readonly id: number
  readonly name: string
  readonly args: readonly never[]
}

const SUBJECTS: Readonly<Record<string, Pick<ContractSubject, 'factory' | 'options'>>> = {
  lsm: { factory: lsmEngine(), options: SMALL_LSM },
  btree: { factory: btreeEngine(), options: SMALL_BTREE },
  hash: { factory: hashEngine(), options: SMALL_HASH },
  memory: { factory: memoryEngine, options: { arenaSize: 4096 } },
}

const keyOf = (number: number): string => String(number).padStart(8, '0')
/** A length that depends on the number, so that files have all sizes. */
const valueOf = (number: number): string => `${number}:`.repeat(1 + (number % 60))

const COMMANDS = {
  async contract(engine: string): Promise<unknown> {
    const fileSystem = await openOpfs(`contract-${engine}`)
    let stores = 0
    const place: ContractSubject['place'] = seed => {
      const directory = `/${++stores}`
      fileSystem.makeDirectory(directory)
      return { environment: portableEnvironment({ fileSystem, seed }), directory, dispose: () => removeAll(fileSystem, directory) }
    }
    engineContract({ name: engine, ...SUBJECTS[engine], place })
    const result = await runTests(slice(15, 1))
    await fileSystem.close()
    return result
  },

  /** Writes numbers upwards from the first that is missing until the end of the worker. */
  async write(folder: string, engine: string): Promise<void> {
    const { db, next } = await openNumbers(folder, engine)
    const writeAll = async (): Promise<void> => {
      for (let number = next; ; number++) {
        await db.put(keyOf(number), valueOf(number))
        self.postMessage({ acknowledged: number })
        if (number % 50 === 0) await db.flush()
        if (number % 70 === 0) await new Promise(resolve => setTimeout(resolve))
      }
    }
    void writeAll()
  },

  /** How many numbers there are, from 0 on and without a gap. */
  async read(folder: string, engine: string): Promise<number> {
    const { db, fileSystem, next } = await openNumbers(folder, engine)
    const violations = []
    for await (const violation of db.check()) violations.push(violation)
    if (violations.length > 0) throw new Error(JSON.stringify(violations))
    await db.close()
    await fileSystem.close()
    return next
  },

  async hold(folder: string): Promise<void> {
    await openOpfs(folder)
  },

  async tryToOpen(folder: string): Promise<void> {
    const fileSystem = await openOpfs(folder, { lockTimeout: 50 })
    await fileSystem.close()
  },

  async tryToRemove(folder: string): Promise<void> {
    await removeOpfs(folder, { lockTimeout: 50 })
  },

  /** Writes until an error, which is returned with what can be done then. */
  async fill(folder: string, engine: string): Promise<unknown> {
    const fileSystem = await openOpfs(folder)
    const db = new Kvarium('store', { fileSystem, engine: SUBJECTS[engine].factory })
    let written = 0
    let failure: unknown
    try {
      for (; ; written++) await db.put(`large-${keyOf(written)}`, String(written).padEnd(200_000, '.'))
    } catch (error) {
      failure = error
    }
    const isReadable = (await db.get(`large-${keyOf(written - 1)}`))?.length === 200_000
    await db.close().catch(() => undefined)
    const again = new Kvarium('store', { fileSystem, engine: SUBJECTS[engine].factory })
    let isThere = 0
    for await (const [key, value] of again.iterator()) if (value.startsWith(`${Number(key.slice(6))}.`)) isThere++
    await again.close().catch(() => undefined)
    await fileSystem.close()
    return { code: (failure as { readonly code?: string }).code, causes: causesOf(failure), written, isReadable, isThere }
  },

  async clear(folder: string, engine: string): Promise<unknown> {
    const fileSystem = await openOpfs(folder)
    const db = new Kvarium('store', { fileSystem, engine: SUBJECTS[engine].factory })
    await db.clear()
    await db.compactRange()
    await db.put('after', 'written')
    const value = await db.get('after')
    await db.close()
    await fileSystem.close()
    return value
  },
}

async function openNumbers(folder: string, engine: string): Promise<{ db: Kvarium; fileSystem: SlotFileSystem; next: number }> {
  const fileSystem = await openOpfs(folder)
  const db = new Kvarium('store', { fileSystem, engine: SUBJECTS[engine].factory, ...SUBJECTS[engine].options })
  let next = 0
  for await (const [key, value] of db.iterator()) {
    if (key !== keyOf(next) || value !== valueOf(next)) throw new Error(`${key} is there after ${next} others`)
    next++
  }
  return { db, fileSystem, next }
}

function removeAll(fileSystem: SlotFileSystem, directory: string): void {
  for (const name of fileSystem.list(directory)) {
    const path = joinPath(directory, name)
    if (fileSystem.stat(path)?.kind === 'directory') removeAll(fileSystem, path)
    else fileSystem.remove(path)
  }
  fileSystem.removeDirectory(directory)
}

function causesOf(error: unknown): string[] {
  return error instanceof Error ? [`${error.name}: ${error.message}`, ...causesOf(error.cause)] : []
}

self.onmessage = ({ data: { id, name, args } }) => {
  const command = (COMMANDS as unknown as Readonly<Record<string, (...args: readonly never[]) => Promise<unknown>>>)[name]
  command(...args).then(
    result => self.postMessage({ id, result }),
    (error: unknown) => {
      const { message, stack, code } = error as { readonly message: string; readonly stack: string; readonly code?: string }
      self.postMessage({ id, error: { message, stack, code } })
    },
  )
}
