import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/vfs/index.js'
import { OverlayFileSystem } from '../../src/vfs/overlay-file-system.js'
import { FaultyFileSystem } from '../../src/vfs/testing/faulty-file-system.js'

function write(fileSystem: MemoryFileSystem | OverlayFileSystem, path: string, byte: number): void {
  const file = fileSystem.create(path)
  file.write(Uint8Array.of(byte), 0)
  file.close()
}

function read(fileSystem: OverlayFileSystem, path: string): number {
  const file = fileSystem.openRead(path)
  const bytes = new Uint8Array(1)
  expect(file.read(bytes, 0)).toBe(1)
  file.close()
  return bytes[0]
}

describe('a file below that is renamed above', () => {
  it('is not read for it, and can be renamed on, replaced, changed and removed without a change below', () => {
    const below = new MemoryFileSystem()
    below.makeDirectory('/a')
    for (const [index, name] of ['one', 'two', 'three'].entries()) write(below, `/a/${name}`, index + 1)
    const counted = new FaultyFileSystem(below)
    let reads = 0
    counted.before = ({ kind }) => void (kind === 'read' && reads++)
    const overlay = new OverlayFileSystem(counted)
    overlay.makeDirectory('/a/b')
    overlay.rename('/a/one', '/a/b/x')
    overlay.rename('/a/b/x', '/a/b/y')
    overlay.rename('/a/two', '/a/one')
    expect(reads).toBe(0)
    expect([overlay.list('/a'), overlay.list('/a/b')]).toEqual([['b', 'one', 'three'], ['y']])
    expect([read(overlay, '/a/b/y'), read(overlay, '/a/one')]).toEqual([1, 2])
    expect(() => overlay.openRead('/a/two')).toThrow(/ENOENT/)
    expect(() => overlay.rename('/a/two', '/a/four')).toThrow(/ENOENT/)
    write(overlay, '/a/two', 9)
    overlay.rename('/a/two', '/a/b/y')
    overlay.rename('/a/three', '/a/b/y')
    expect(read(overlay, '/a/b/y')).toBe(3)
    const changed = overlay.openWrite('/a/b/y')
    changed.write(Uint8Array.of(7), 0)
    changed.close()
    expect(read(overlay, '/a/b/y')).toBe(7)
    overlay.remove('/a/b/y')
    overlay.remove('/a/one')
    expect([overlay.list('/a'), overlay.list('/a/b'), overlay.stat('/a/one')]).toEqual([['b'], [], undefined])
    expect(below.list('/a')).toEqual(['one', 'three', 'two'])
  })
})
