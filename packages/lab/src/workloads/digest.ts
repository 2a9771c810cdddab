/** A 32-bit digest of a stream of operations: the same for the same operations, keys and values in the same order. */
import { mix32, type Hash32 } from 'kvarium/codec'
import type { WorkloadOperation } from './workload.js'

const TYPES: readonly WorkloadOperation['type'][] = [
  'put',
  'del',
  'batch',
  'clear',
  'get',
  'get-sync',
  'scan',
  'flush',
  'compact',
  'settle',
  'reopen',
  'read-modify-write',
]

export class StreamDigest {
  readonly #hash32: Hash32
  #digest = 0

  constructor(hash32: Hash32) {
    this.#hash32 = hash32
  }

  add(operation: WorkloadOperation): void {
    const sync = 'sync' in operation && operation.sync
    this.#number(TYPES.indexOf(operation.type) * 2 + (sync ? 1 : 0))
    switch (operation.type) {
      case 'batch':
        this.#number(operation.operations.length)
        for (const write of operation.operations) this.add(write)
        return
      case 'put':
      case 'read-modify-write':
        this.#bytes(operation.key)
        this.#bytes(operation.value)
        return
      case 'del':
      case 'get':
      case 'get-sync':
        return this.#bytes(operation.key)
      case 'scan':
      case 'clear':
        for (const bound of [operation.gte, operation.lt]) {
          if (bound === undefined) this.#number(0)
          else this.#bytes(bound)
        }
        if (operation.type === 'scan') this.#number(2 * (operation.limit ?? -1) + (operation.reverse === true ? 1 : 0))
        return
      default:
    }
  }

  toString(): string {
    return hexadecimal(this.#digest)
  }

  #bytes(bytes: Uint8Array): void {
    this.#digest = this.#hash32(bytes, mix32(this.#digest, bytes.length))
  }

  #number(value: number): void {
    this.#digest = mix32(this.#digest, value)
  }
}

export function hexadecimal(digest: number): string {
  return digest.toString(16).padStart(8, '0')
}
