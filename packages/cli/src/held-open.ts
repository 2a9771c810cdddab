import * as fs from 'node:fs'
import * as net from 'node:net'

/**
 * Whether a living process has the store in the directory open, found out without taking its lock: on Linux the lock is a listening
 * socket (see vfs/node-socket-lock.ts), and to connect changes nothing. `undefined` where that is unknown.
 */
export async function isHeldOpen(directory: string): Promise<boolean | undefined> {
  if (process.platform !== 'linux') return undefined
  const descriptor = fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  try {
    for (const name of fs.readdirSync(directory)) {
      // A socket's own path may be too long for the system.
      if (/^LOCK\.\d+$/.test(name) && (await accepts(`/proc/self/fd/${descriptor}/${name}`))) return true
    }
    return false
  } finally {
    fs.closeSync(descriptor)
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
