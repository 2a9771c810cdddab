/** The words of an operation: how it is typed, and how it is shown. */
import type { Operation } from './operation.js'

const LONGEST_VALUE = 24

/** An operation as it is typed; long values are shortened. */
export function formatOperation(operation: Operation): string {
  switch (operation.type) {
    case 'put':
      return `put ${operation.key} ${shorten(operation.value)}${operation.sync === true ? ' sync' : ''}`
    case 'del':
      return `del ${operation.key}${operation.sync === true ? ' sync' : ''}`
    case 'get':
      return `get ${operation.key}${operation.snapshot === undefined ? '' : ` at ${operation.snapshot}`}`
    case 'crash':
      return `crash ${operation.lane} event ${operation.event}`
    default:
      return operation.type
  }
}

function shorten(value: string): string {
  return value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE - 3)}...` : value
}
