/** What does one put write, byte by byte? */
import type { Lab } from './lab/lab.js'

export const question = 'What does one put write, byte by byte?'

export async function run(lab: Lab): Promise<void> {
  lab.say(`A put is acknowledged when it is in the log. The log is a file of frames; each frame is one atomic write: a checksum, a length,
    and the operations inside. Here is an empty store, and one put of 7 bytes: the key "cat" and the value "meow".`)
  const db = await lab.open('/pets')
  const log = '/pets/000001.log'
  const before = lab.environment.fileSystem.stat(log)!.size

  lab.predict('How many bytes does the put of "cat" = "meow" write?')
  await lab.do(db, 'put("cat", "meow")', () => db.put('cat', 'meow'), ['file', 'log', 'memtable'])
  const written = lab.environment.fileSystem.stat(log)!.size - before
  const yours = db.stats().ledger.userBytes
  lab.number('put-bytes', written)
  lab.number('user-bytes', yours)
  lab.reveal(
    `${written} bytes`,
    `${yours} are the key and the value. The other ${written - yours} say what they are, how long they are and whether they are intact.`,
  )
  const bytesOf = await lab.hex('The frame, byte by byte', log, { from: before })

  const header = lab.number('frame-header-bytes', bytesOf('frame header'))
  const payloadHeader = lab.number('payload-header-bytes', bytesOf('first sequence') + bytesOf('operations'))
  lab.number('entry-header-bytes', bytesOf('kind') + bytesOf('key length') + bytesOf('value length'))
  lab.number('shared-bytes', header + payloadHeader)

  await db.close()
}
