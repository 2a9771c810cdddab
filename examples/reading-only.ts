/**
 * Reading a store without changing a byte of it. Any number of programs do so at a time, and none while one has it open for writing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kvarium } from 'kvarium'

const directory = await mkdtemp(join(tmpdir(), 'kvarium-reading-'))
const writer = new Kvarium(directory)
await writer.put('mars', 'red')

/** The code of the error with which a call fails; that of an open is in its cause. */
async function codeOf(call: Promise<void>): Promise<unknown> {
  try {
    await call
    return 'no error'
  } catch (error) {
    const { code, cause } = error as { code: string; cause?: { code?: string } }
    return cause?.code ?? code
  }
}

const early = new Kvarium(directory, { readOnly: true })
console.log('while it is written:', await codeOf(early.open()))
await writer.close()

// As two programs would.
const readers = [1, 2].map(() => new Kvarium(directory, { readOnly: true }))
for (const [index, reader] of readers.entries()) console.log(`reader ${index + 1}: mars is`, await reader.get('mars'))
console.log('a write:', await codeOf(readers[0].put('mars', 'green')))
console.log('while it is read:', await codeOf(writer.open()))

await Promise.all(readers.map(reader => reader.close()))
await rm(directory, { recursive: true })
