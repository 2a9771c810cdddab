/** Runs abstract-level's own test suite, under its own test runner, on the engine named by the first argument. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from '../../../src/store/node-kvarium.js'

type Suite = (options: { test: unknown; factory: (options?: object) => unknown }) => void
interface Tape {
  onFinish(callback: () => void): void
}

const require = createRequire(import.meta.url)
const test = require('tape') as Tape
const suite = require('abstract-level/test') as Suite

const engine = process.argv[2] ?? ''
const base = mkdtempSync(join(tmpdir(), 'kvarium-suite-'))
let stores = 0

suite({ test, factory: options => new Kvarium(join(base, String(++stores)), { ...options, engine }) })
test.onFinish(() => rmSync(base, { recursive: true, force: true }))
