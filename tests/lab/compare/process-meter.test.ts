import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { directoryBytes } from '../../../packages/lab/src/compare/process-meter.js'

const directory = mkdtempSync(join(tmpdir(), 'kvarium-bench-meter-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('bytes of a directory', () => {
  it('a file that disappears during the count is no error', () => {
    writeFileSync(join(directory, 'a'), new Uint8Array(100))
    mkdirSync(join(directory, 'below'))
    writeFileSync(join(directory, 'below', 'b'), new Uint8Array(20))
    // Listed, but gone when its size is read.
    symlinkSync(join(directory, 'gone'), join(directory, 'c'))
    expect(directoryBytes(directory)).toBe(120)
  })
})
