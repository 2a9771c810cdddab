import { Command } from 'commander'
import type { Cursor, KeyRange } from 'kvarium/engine'
import { visibleText } from 'kvarium/observe'
import {
  addEncodings,
  decodeKey,
  encodeKey,
  encodeValue,
  encodingsOf,
  readableBytes,
  valueForJson,
  type EncodingFlags,
} from './encodings.js'
import type { Invocation } from './invocation.js'
import { Output } from './output.js'
import { readStore } from './reading-store.js'
import { inSublevel, sublevelOption, sublevelPrefix, type SublevelFlag } from './sublevels.js'
import { UsageError } from './usage-error.js'
import { wholeNumber } from './whole-number.js'

const BOUNDS = ['gt', 'gte', 'lt', 'lte'] as const

interface ScanFlags extends EncodingFlags, SublevelFlag, Readonly<Partial<Record<(typeof BOUNDS)[number], string>>> {
  readonly prefix?: string
  readonly reverse?: true
  readonly limit?: number
  readonly keys?: true
  readonly values?: true
  readonly count?: true
  readonly json?: true
}

const EXAMPLES = `
Examples:
  kvarium scan ./planets
  kvarium scan ./planets --gte e --lt n --values --value-encoding msgpack
  kvarium scan ./planets --prefix mars/ --reverse --limit 10 --json
  kvarium scan ./geography --sublevel cities --gte DE

A line is a key, a tab and a value; what is no printable text is shown as hexadecimal digits behind 0x. With --json a line is an object.

The store is not changed, and may not be open for writing. The exit code is 0, also when nothing is found, 1 when something that was read
is damaged, and 2 when the store cannot be read.
`

export function scanCommand(invocation: Invocation): Command {
  const command = new Command('scan')
    .description('Print the entries of a range of keys, in order')
    .argument('<dir>', 'the directory of the store')
    .option('--gte <key>', 'keys greater than or equal to this')
    .option('--gt <key>', 'keys greater than this')
    .option('--lt <key>', 'keys less than this')
    .option('--lte <key>', 'keys less than or equal to this')
    .option('-p, --prefix <key>', 'only keys with this prefix')
    .addOption(sublevelOption())
    .option('-r, --reverse', 'from the last key to the first')
    .option('-n, --limit <n>', 'print at most this many entries', wholeNumber(0))
    .option('--keys', 'only keys')
    .option('--values', 'only values')
    .option('--count', 'print only the number of entries')
    .option('--json', 'print one JSON object per line')
  return addEncodings(command)
    .addHelpText('after', EXAMPLES)
    .action((directory: string, flags: ScanFlags) => runScan(invocation, directory, flags))
}

async function runScan(invocation: Invocation, directory: string, flags: ScanFlags): Promise<void> {
  const { reverse, limit = Infinity, count } = flags
  const sublevel = sublevelPrefix(flags.sublevel)
  const range = rangeOf(flags, sublevel)
  const output = new Output(invocation.stdout)
  await readStore(invocation, directory, async engine => {
    const cursor = engine.cursor(range)
    let found = 0
    try {
      for (let valid = limit > 0 && (reverse === true ? cursor.last() : cursor.first()); valid;) {
        if (count !== true) await output.line(lineOf(cursor, flags, sublevel.length))
        if (++found >= limit) break
        valid = reverse === true ? cursor.prev() : cursor.next()
      }
      if (count === true) await output.line(String(found))
    } finally {
      cursor.close()
      // Entries read before the damage are shown.
      await output.flush()
    }
  })
}

/** A line without the first bytes of the key, which are those of the sublevel. */
function lineOf({ key, value }: Cursor, flags: ScanFlags, prefixBytes: number): string {
  const { keys, values, json } = flags
  const encodings = encodingsOf(flags)
  const showsKey = values !== true || keys === true
  const showsValue = keys !== true || values === true
  if (json === true) {
    const entry = {
      ...(showsKey && { key: encodeKey(key.copy().subarray(prefixBytes), encodings.key) }),
      ...(showsValue && { value: valueForJson(value.copy(), encodings.value) }),
    }
    return visibleText(JSON.stringify(entry, readableBytes))
  }
  const pieces = [
    ...(showsKey ? [encodeKey(key.copy().subarray(prefixBytes), encodings.key)] : []),
    ...(showsValue ? [encodeValue(value.copy(), encodings.value)] : []),
  ]
  return pieces.join('\t')
}

function rangeOf(flags: ScanFlags, sublevel: Uint8Array): KeyRange {
  const { key: encoding } = encodingsOf(flags)
  const given = BOUNDS.flatMap(bound => {
    const text = flags[bound]
    return text === undefined ? [] : [[bound, inSublevel(sublevel, decodeKey(text, encoding))] as const]
  })
  for (const [a, b] of [
    ['gt', 'gte'],
    ['lt', 'lte'],
  ] as const) {
    if (flags[a] !== undefined && flags[b] !== undefined) throw new UsageError(`--${a} and --${b} bound the same side: give one of them`)
  }
  if (flags.prefix === undefined) {
    const { gte, lt } = rangeBehind(sublevel)
    const hasLower = flags.gt !== undefined || flags.gte !== undefined
    const hasUpper = flags.lt !== undefined || flags.lte !== undefined
    return { ...(!hasLower && { gte }), ...(!hasUpper && lt !== undefined && { lt }), ...Object.fromEntries(given) }
  }
  if (given.length > 0) throw new UsageError('--prefix is a range by itself: leave the other bounds out')
  return rangeBehind(inSublevel(sublevel, decodeKey(flags.prefix, encoding)))
}

/** All keys with the prefix. */
function rangeBehind(prefix: Uint8Array): { readonly gte: Uint8Array; readonly lt?: Uint8Array } {
  const after = behind(prefix)
  return { gte: prefix, ...(after !== undefined && { lt: after }) }
}

/** The smallest key that is greater than all keys with the prefix. */
function behind(prefix: Uint8Array): Uint8Array | undefined {
  let end = prefix.length
  while (end > 0 && prefix[end - 1] === 0xff) end--
  if (end === 0) return undefined
  const after = prefix.slice(0, end)
  after[end - 1]++
  return after
}
