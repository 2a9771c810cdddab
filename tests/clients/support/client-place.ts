import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KvariumOptions } from 'kvarium'
import { builtInEngines, Kvarium } from 'kvarium'
import { afterEach, beforeEach } from 'vitest'

/** The engines that keep a store in a directory. */
export const ENGINES = ['lsm', 'btree'] as const
export type EngineName = (typeof ENGINES)[number]

/** Buffers so small that a few thousand entries go through flushes and checkpoints, and reads through files. */
const SMALL_BUFFER_BYTES = 64 << 10

/** Kvarium as a client gets it in place of Level: a class with a location and options, here of one engine. */
export function levelOf(engine: EngineName): typeof Kvarium {
  return class<K = string, V = string> extends Kvarium<K, V> {
    constructor(location: string, options: KvariumOptions<K, V> = {}) {
      super(location, { writeBufferSize: SMALL_BUFFER_BYTES, ...options, engine: builtInEngines.resolve(engine) })
    }
  }
}

/** An empty directory for each test, removed afterwards; the result returns a path inside it. */
export function useDirectory(): (name: string) => string {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kvarium-clients-'))
  })
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  return name => join(directory, name)
}

/** A key whose order as text is that of its number. */
export function paddedKey(index: number): string {
  return String(index).padStart(6, '0')
}
