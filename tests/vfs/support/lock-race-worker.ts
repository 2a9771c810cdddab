/**
 * One contender of the lock race: a process that obeys one command per line on its standard input, so that many rounds
 * need no respawn. `open DIRECTORY` tries to take the lock, `read DIRECTORY` to share it with other readers, `release` releases it, `storm DIRECTORY MS` takes and releases
 * it as often as it can and checks by a witness file that no other process has it; each is answered by one line.
 */
import { closeSync, openSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { NodeFileSystem } from '../../../src/vfs/node/node-file-system.js'
import type { DirectoryLock } from '../../../src/vfs/file-system.js'

const fileSystem = new NodeFileSystem()
let lock: DirectoryLock | undefined

createInterface({ input: process.stdin }).on('line', line => {
  void obey(line).then(answer => process.stdout.write(answer + '\n'))
})

async function obey(line: string): Promise<string> {
  const [command, directory = '', argument] = line.split(' ')
  if (command === 'storm') return storm(directory, Number(argument))
  if (command === 'open' || command === 'read') {
    try {
      lock = await fileSystem.lock(directory, command === 'read' ? 'shared' : 'exclusive')
      return 'won'
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      return code === 'LEVEL_LOCKED' ? 'locked' : `error ${code} ${message}`
    }
  }
  await lock?.release()
  lock = undefined
  return 'released'
}

async function storm(directory: string, ms: number): Promise<string> {
  const witness = join(directory, 'witness')
  const end = Date.now() + ms
  let taken = 0
  while (Date.now() < end) {
    try {
      const held = await fileSystem.lock(directory)
      closeSync(openSync(witness, 'wx'))
      unlinkSync(witness)
      await held.release()
      taken++
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      if (code !== 'LEVEL_LOCKED') return `error ${code} ${message}`
    }
  }
  return `taken ${taken}`
}
