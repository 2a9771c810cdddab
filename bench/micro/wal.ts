import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadHash32 } from '../../src/codec/checksum.js'
import type { FileHandle } from '../../src/vfs/file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { NodeFileSystem } from '../../src/vfs/node/node-file-system.js'
import { LogWriter } from '../../src/wal/writer.js'
import type { Case, Micro } from './suite.js'

const RECORDS = 100
/** One put of 16 + 100 bytes; a batch of 1000. */
const SIZES = [130, 119_012]
/** At this size the log restarts in the same file, which so neither grows without bound nor needs new blocks. */
const LOG_BYTES = 64 << 20

export const wal: Micro = { about: 'append without sync; over again in one file of 64 MiB', cases }

async function cases(): Promise<Case[]> {
  const hash32 = await loadHash32()
  const directory = mkdtempSync(join(tmpdir(), 'kvarium-micro-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  const files: [string, FileHandle][] = [
    ['memory', new MemoryFileSystem().create('log')],
    ['node', new NodeFileSystem().create(join(directory, 'log'))],
  ]
  const append = (file: FileHandle, bytes: number): (() => number) => {
    const payload = new Uint8Array(bytes).fill(7)
    let writer = new LogWriter(file, { logNumber: 1, hash32 })
    return () => {
      if (writer.size > LOG_BYTES) writer = new LogWriter(file, { logNumber: 1, hash32 })
      let sum = 0
      for (let i = 0; i < RECORDS; i++) sum = (sum + writer.append(payload)) | 0
      return sum
    }
  }
  return files.flatMap(([name, file]) =>
    SIZES.map(bytes => ({ name: `append ${bytes} B, ${name} file system`, operations: RECORDS, run: append(file, bytes) })),
  )
}
