/** Memory that other threads reach without a copy, where there are other threads. */
export function sharedBuffer(length: number): ArrayBuffer | SharedArrayBuffer {
  return typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(length) : new SharedArrayBuffer(length)
}
