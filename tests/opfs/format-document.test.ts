import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { SlotFileSystem } from '../../src/opfs/slot-file-system.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { simulatedSlotFiles } from './support/simulated-slot-files.js'

const document = readFileSync(new URL('../../docs/formats/opfs.md', import.meta.url), 'utf8')

function dump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)]
    const hex = row.map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.map(byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(47)}  ${text}`)
  }
  return lines.join('\n')
}

function contentsOf(disk: MemoryFileSystem, path: string): Uint8Array {
  const handle = disk.openRead(path)
  const bytes = new Uint8Array(handle.size())
  handle.read(bytes, 0)
  return bytes
}

const documented = /```hex\n([\s\S]*?)```/.exec(document)![1].trimEnd()

it('the worked example of the format document is byte for byte what is written', async () => {
  const disk = new MemoryFileSystem()
  const files = await SlotFileSystem.open(simulatedSlotFiles(disk), { spareFiles: 1 })
  files.makeDirectory('/db')
  await files.syncDirectory('/')
  files.create('/db/CURRENT')
  await files.syncDirectory('/db')
  const written = contentsOf(disk, '/slots/names-0')
  const end = written.findLastIndex(byte => byte !== 0) + 1
  expect(dump(written.subarray(0, end))).toBe(documented)
})

it('the worked example reads back, so that names of this version always will', async () => {
  const disk = new MemoryFileSystem()
  const slots = simulatedSlotFiles(disk)
  await slots.open('slot-0')
  const bytes = documented.split('\n').flatMap(line => line.slice(6, 53).trim().split(' '))
  disk.create('/slots/names-0').write(
    Uint8Array.from(bytes, byte => parseInt(byte, 16)),
    0,
  )
  const files = await SlotFileSystem.open(slots)
  expect(files.list('/db')).toEqual(['CURRENT'])
  expect(files.stat('/db/CURRENT')).toEqual({ kind: 'file', size: 0 })
})
