import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import type { MeterCounts } from '../../src/vfs/metered-file-system.js'
import { MeteredFileSystem } from '../../src/vfs/metered-file-system.js'

describe('the meter', () => {
  it('counts what was really transferred, by file class, and leaves no byte out of the total', async () => {
    const meter = new MeteredFileSystem(new MemoryFileSystem(), name => /\.(log|sst)$/.exec(name)?.[1] ?? 'other')
    meter.makeDirectory('/db')
    const log = meter.create('/db/000001.log')
    log.write(new Uint8Array(100), 0)
    log.write(new Uint8Array(100), 100, 10, 30)
    await log.sync()
    const table = meter.create('/db/000002.sst')
    table.write(new Uint8Array(1000), 0)
    const target = new Uint8Array(600)
    table.read(target, 0)
    table.read(target, 900)
    meter.create('/db/000003.dbtmp').write(new Uint8Array(7), 0)
    await meter.syncDirectory('/db')
    const none = { reads: 0, bytesRead: 0, writes: 0, bytesWritten: 0, syncs: 0 }
    expect(meter.counts()).toEqual({
      classes: {
        log: { ...none, writes: 2, bytesWritten: 120, syncs: 1 },
        sst: { ...none, writes: 1, bytesWritten: 1000, reads: 2, bytesRead: 700 },
        other: { ...none, writes: 1, bytesWritten: 7 },
      },
      total: { reads: 2, bytesRead: 700, writes: 4, bytesWritten: 1127, syncs: 1 },
      directorySyncs: 1,
    })
  })

  it('does not count what failed', async () => {
    const meter = new MeteredFileSystem(new MemoryFileSystem())
    const handle = meter.create('a.log')
    handle.close()
    expect(() => handle.write(new Uint8Array(5), 0)).toThrow()
    expect(() => handle.read(new Uint8Array(5), 0)).toThrow()
    await expect(handle.sync()).rejects.toThrow()
    await expect(meter.syncDirectory('missing')).rejects.toThrow()
    expect(meter.counts()).toMatchObject({ total: new MeteredFileSystem(new MemoryFileSystem()).counts().total, directorySyncs: 0 })
  })

  it('adds the counts of a worker, handed over as JSON, and its own classes', () => {
    const worker = new MeteredFileSystem(new MemoryFileSystem(), name => (name.startsWith('x') ? 'special' : 'table'))
    worker.create('x').write(new Uint8Array(3), 0)
    worker.create('y').write(new Uint8Array(5), 0)
    const meter = new MeteredFileSystem(new MemoryFileSystem(), () => 'table')
    meter.create('z.sst').write(new Uint8Array(11), 0)
    meter.absorb(JSON.parse(JSON.stringify(worker.counts())) as MeterCounts)
    const { classes, total } = meter.counts()
    expect([classes.special?.bytesWritten, classes.table?.bytesWritten, total.bytesWritten, total.writes]).toEqual([3, 16, 19, 3])
  })
})
