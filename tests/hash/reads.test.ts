import { expect, it } from 'vitest'
import { WriteBatch } from '../../src/engine/batch.js'
import { hashEngine } from '../../src/hash/factory.js'
import { MemoryFileSystem, simulatedEnvironment } from '../../src/vfs/index.js'
import { fillOptions, keyOf } from '../contract/support/opened-engine.js'

it('shows a durable write before its frame is in the file, and all of them after a kill', async () => {
  const fileSystem = new MemoryFileSystem()
  fileSystem.makeDirectory('/store')
  const factory = hashEngine()
  const environment = simulatedEnvironment({ seed: 1, fileSystem })
  const open = (created: boolean) => factory.open({ environment, directory: '/store', created, options: fillOptions(factory) })
  const engine = await open(true)
  const valueOf = (i: number) => keyOf(`${i}`.repeat(i))
  const writes = Array.from({ length: 200 }, (_, i) => {
    const batch = new WriteBatch()
    batch.put(keyOf(`key ${i}`), valueOf(i))
    const write = engine.write(batch, { sync: true })
    if (i % 7 === 0) for (const j of [0, i >> 1, i]) expect(engine.get(keyOf(`key ${j}`))).toEqual(valueOf(j))
    return write
  })
  for (const write of writes) await write
  const again = await open(false)
  for (let i = 0; i < 200; i++) expect(again.get(keyOf(`key ${i}`))).toEqual(valueOf(i))
  await again.close()
})
