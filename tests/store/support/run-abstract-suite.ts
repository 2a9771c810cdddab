/** Runs abstract-level's own test suite, under its own test runner: the arguments are an engine, and `memory` or `disk`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from 'kvarium'
import { MemoryFileSystem } from 'kvarium/vfs'

type Suite = (options: { test: unknown; factory: (options?: object) => unknown }) => void
interface Tape {
  onFinish(callback: () => void): void
}

const require = createRequire(import.meta.url)
const test = require('tape') as Tape
const suite = require('abstract-level/test') as Suite

const [engine = '', place] = process.argv.slice(2)
const fileSystem = place === 'memory' ? { fileSystem: new MemoryFileSystem() } : {}
// The suite opens more than a thousand stores: by default each LSM tree begins with 16 MiB for its memtable.
const buffers = engine === 'memory' ? {} : { writeBufferSize: 64 << 10 }
const base = mkdtempSync(join(tmpdir(), 'kvarium-suite-'))
let stores = 0

suite({ test, factory: options => new Kvarium(join(base, String(++stores)), { ...options, ...fileSystem, ...buffers, engine }) })
test.onFinish(() => rmSync(base, { recursive: true, force: true }))
