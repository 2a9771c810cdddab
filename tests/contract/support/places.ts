import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryFileSystem, SeededRandom, portableEnvironment, simulatedEnvironment } from '../../../src/vfs/index.js'
import { nodeDeflate, nodeEnvironment } from '../../../src/vfs/node.js'
import type { ContractPlace } from './opened-engine.js'

const DIRECTORY = '/store'

function emptyFileSystem(): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem()
  fileSystem.makeDirectory(DIRECTORY)
  return fileSystem
}

/** In memory, on a simulated clock: the same seed gives the same run. */
export function memoryPlace(seed: number): ContractPlace {
  return { environment: simulatedEnvironment({ seed, fileSystem: emptyFileSystem(), deflate: nodeDeflate }), directory: DIRECTORY }
}

/** As in a browser: in memory, on the real clock, without compression. */
export function portablePlace(seed: number): ContractPlace {
  return { environment: portableEnvironment({ seed, fileSystem: emptyFileSystem() }), directory: DIRECTORY }
}

/** A temporary directory on disk, on the real clock, with Node's threads. */
export function nodePlace(seed: number): ContractPlace {
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-contract-'))
  return {
    environment: nodeEnvironment({ random: new SeededRandom(seed) }),
    directory,
    dispose: () => rmSync(directory, { recursive: true, force: true }),
  }
}
