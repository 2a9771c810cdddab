import { isHeldBySocket } from 'kvarium/vfs/node'

/** Whether a living process has the store in the directory open, without taking its lock; `undefined` if that is unknown. */
export async function isHeldOpen(directory: string): Promise<boolean | undefined> {
  return process.platform === 'linux' ? isHeldBySocket(directory) : undefined
}
