#!/usr/bin/env node
/** The `kvarium` command as a process. */
import { endWithReader } from './output.js'
import { run } from './run.js'

const { stdout, stderr } = process
for (const stream of [stdout, stderr]) endWithReader(stream)
await run({
  parameters: process.argv.slice(2),
  // Opened only by a command that reads it.
  get stdin() {
    return process.stdin
  },
  stdout,
  stderr,
  setExitCode: code => {
    process.exitCode = code
  },
})
