import { Command } from 'commander'
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

interface GetFlags extends EncodingFlags, SublevelFlag {
  readonly raw?: true
  readonly json?: true
}

const EXAMPLES = `
Examples:
  kvarium get ./planets earth
  kvarium get ./planets earth --value-encoding msgpack
  kvarium get ./pictures earth.png --raw > earth.png
  kvarium get ./geography DE/Berlin --sublevel cities

The store is not changed, and may not be open for writing. The exit code is 0 when the key is there, 1 when it is not or its value is
damaged, and 2 when the store cannot be read.
`

export function getCommand(invocation: Invocation): Command {
  const command = new Command('get')
    .description('Print the value of a key')
    .argument('<dir>', 'the directory of the store')
    .argument('<key>', 'the key; put -- before keys that begin with a hyphen')
    .option('--raw', 'print the bytes of the value, without a newline')
    .option('--json', 'print key and value as a JSON object')
    .addOption(sublevelOption())
  return addEncodings(command)
    .addHelpText('after', EXAMPLES)
    .action((directory: string, key: string, flags: GetFlags) => runGet(invocation, directory, key, flags))
}

async function runGet(invocation: Invocation, directory: string, text: string, flags: GetFlags): Promise<void> {
  const encodings = encodingsOf(flags)
  const key = decodeKey(text, encodings.key)
  const stored = inSublevel(sublevelPrefix(flags.sublevel), key)
  const output = new Output(invocation.stdout)
  await readStore(invocation, directory, async engine => {
    const value = engine.get(stored)
    if (value === undefined) {
      invocation.stderr.write(`not found: ${visibleText(text)}\n`)
      invocation.setExitCode(1)
    } else if (flags.raw === true) await output.bytes(value)
    else if (flags.json === true) {
      const entry = { key: encodeKey(key, encodings.key), value: valueForJson(value, encodings.value) }
      await output.line(visibleText(JSON.stringify(entry, readableBytes)))
    } else await output.line(encodeValue(value, encodings.value))
  })
  await output.flush()
}
