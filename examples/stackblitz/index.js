/**
 * Two engines do the same work, where there are neither native code, nor sockets, nor threads: in a tab of StackBlitz, for one. The files are in memory, so
 * that nothing has to be locked, and everything runs in one thread.
 */
import { Kvarium } from 'kvarium'
import { MemoryFileSystem } from 'kvarium/vfs'

for (const engine of /** @type {const} */ (['lsm', 'btree'])) {
  const db = new Kvarium('planets', { engine, fileSystem: new MemoryFileSystem(), valueEncoding: 'json' })
  for (let i = 0; i < 5000; i++) await db.put(`key ${(i * 7919) % 5000}`, { text: 'v'.repeat(100), number: i })
  await db.flush()
  const { amplification, ledger } = db.stats()
  console.log(`${engine}: ${ledger.userBytes} bytes were put, ${amplification.write.total.toFixed(2)} times as many were written`)
  console.log(await db.iterator({ gt: 'key 42', limit: 1 }).all())
  await db.close()
}
