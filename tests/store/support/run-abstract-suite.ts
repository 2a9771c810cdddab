/** Runs abstract-level's own test suite, under its own test runner: the arguments are an engine, and `memory` or `disk`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from 'kvarium'
import { btreeEngine } from 'kvarium/btree'
import { hashEngine } from 'kvarium/hash'
import type { EngineFactory } from 'kvarium/engine'
import { lsmEngine } from 'kvarium/lsm'
import { memoryEngine } from 'kvarium/memory'
import { MemoryFileSystem } from 'kvarium/vfs'

type Suite = (options: { test: unknown; factory: (options?: object) => unknown }) => void
interface Tape {
  onFinish(callback: () => void): void
}

const require = createRequire(import.meta.url)
const test = require('tape') as Tape
const suite = require('abstract-level/test') as Suite

const FACTORIES: Readonly<Record<string, EngineFactory>> = {
  memory: memoryEngine,
  lsm: lsmEngine(),
  btree: btreeEngine(),
  hash: hashEngine(),
}

/** The suite opens more than a thousand stores: as it is, each LSM tree begins with 16 MiB for its memtable. */
function withSmallBuffer(factory: EngineFactory): EngineFactory {
  const { writeBufferSize } = factory.options
  if (writeBufferSize?.type !== 'integer') return factory
  return { ...factory, options: { ...factory.options, writeBufferSize: { ...writeBufferSize, default: 64 << 10 } } }
}

const [name = '', place] = process.argv.slice(2)
const engine = withSmallBuffer(FACTORIES[name])
const fileSystem = place === 'memory' ? { fileSystem: new MemoryFileSystem() } : {}
const base = mkdtempSync(join(tmpdir(), 'kvarium-suite-'))
let stores = 0

// tape compares values by calls that throw, dozens of them for each: their stacks would take most of the run.
Error.stackTraceLimit = 0
suite({ test, factory: options => new Kvarium(join(base, String(++stores)), { ...options, ...fileSystem, engine }) })
test.onFinish(() => rmSync(base, { recursive: true, force: true }))
