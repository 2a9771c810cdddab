/** What a page and its worker keep in memory. */
import type { CDPSession } from 'playwright-core'

interface HeapUsage {
  readonly usedSize: number
  readonly backingStorageSize?: number
}

/** Bytes in use after a garbage collection. */
export async function heapsOf(cdp: CDPSession): Promise<{ readonly page: number; readonly worker: number }> {
  const bytesOf = ({ usedSize, backingStorageSize = 0 }: HeapUsage): number => usedSize + backingStorageSize
  await cdp.send('HeapProfiler.collectGarbage')
  const page = bytesOf(await cdp.send('Runtime.getHeapUsage'))
  const attached = new Promise<string>(resolve => cdp.once('Target.attachedToTarget', ({ sessionId }) => resolve(sessionId)))
  await cdp.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false })
  const sessionId = await attached
  let calls = 0
  const ask = async (method: string): Promise<HeapUsage> => {
    const id = ++calls
    const answered = new Promise<HeapUsage>(resolve => {
      const listen = ({ message }: { readonly message: string }): void => {
        const answer = JSON.parse(message) as { readonly id?: number; readonly result: HeapUsage }
        if (answer.id !== id) return
        cdp.off('Target.receivedMessageFromTarget', listen)
        resolve(answer.result)
      }
      cdp.on('Target.receivedMessageFromTarget', listen)
    })
    await cdp.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) })
    return answered
  }
  await ask('HeapProfiler.collectGarbage')
  return { page, worker: bytesOf(await ask('Runtime.getHeapUsage')) }
}
