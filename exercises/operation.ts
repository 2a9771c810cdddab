/** An operation on a store with a learner's part: plain data, so that a failing history can be shrunk and printed. */
export type Operation =
  | { readonly do: 'put'; readonly key: string; readonly value: string; readonly sync?: boolean }
  | { readonly do: 'del'; readonly key: string }
  /** Deletes a range of keys in one go. */
  | { readonly do: 'clear'; readonly from: string; readonly to: string }
  | { readonly do: 'get'; readonly key: string; readonly at?: 'snapshot' }
  /** Everything from `from` on, with or without `from` itself. */
  | { readonly do: 'scan'; readonly from: string; readonly behind?: boolean; readonly reverse?: boolean; readonly at?: 'snapshot' }
  /** Takes a snapshot, and releases the one before. */
  | { readonly do: 'snapshot' }
  | { readonly do: 'flush' }
  | { readonly do: 'compact' }
  /** Closes the store and opens it again. */
  | { readonly do: 'reopen' }
  /** The process dies and another one opens the store: acknowledged writes are there. */
  | { readonly do: 'kill' }
  /**
   * The power fails during the last write: this many bytes of its record are left. The file ends there, or was extended
   * already and has zeros there. The writes before it are all there.
   */
  | { readonly do: 'tear'; readonly left: number; readonly then: 'nothing' | 'zeros' }

/** In the words of the API. */
export function showOperation(operation: Operation): string {
  switch (operation.do) {
    case 'put':
      return `put(${quote(operation.key)}, ${quote(operation.value)}${operation.sync === true ? ', { sync: true }' : ''})`
    case 'del':
      return `del(${quote(operation.key)})`
    case 'clear':
      return `clear({ gte: ${quote(operation.from)}, lt: ${quote(operation.to)} })`
    case 'get':
      return `get(${quote(operation.key)}${atSnapshot(operation, ', ')})`
    case 'scan':
      return `iterator({ ${bound(operation)}: ${quote(operation.from)}${operation.reverse === true ? ', reverse: true' : ''}${operation.at === undefined ? '' : ', snapshot'} })`
    case 'tear':
      return `the power fails, left of the last record: ${operation.left} B, then ${operation.then}; open()`
    case 'kill':
      return 'the process is killed; open()'
    case 'reopen':
      return 'close(); open()'
    default:
      return `${operation.do}()`
  }
}

/** The option of an iterator that says where a scan begins. */
export function bound({ behind = false, reverse = false }: Extract<Operation, { do: 'scan' }>): 'gt' | 'gte' | 'lt' | 'lte' {
  if (behind) return reverse ? 'lt' : 'gt'
  return reverse ? 'lte' : 'gte'
}

function quote(text: string): string {
  return text.length > 40 ? `${JSON.stringify(text.slice(0, 8))}.padEnd(${text.length}, …)` : JSON.stringify(text)
}

function atSnapshot({ at }: { readonly at?: 'snapshot' }, before: string): string {
  return at === undefined ? '' : `${before}{ snapshot }`
}
