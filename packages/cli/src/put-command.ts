import { Command, Option } from 'commander'
import { builtInEngines } from 'kvarium'
import { addEncodings, decodeKey, decodeValue, encodingsOf, type EncodingFlags } from './encodings.js'
import type { Invocation } from './invocation.js'
import { inSublevel, sublevelOption, sublevelPrefix, type SublevelFlag } from './sublevels.js'
import { writeStore } from './writing-store.js'

interface PutFlags extends EncodingFlags, SublevelFlag {
  readonly create?: string | true
  readonly sync?: true
}

const EXAMPLES = `
Examples:
  kvarium put ./planets earth "third rock"
  kvarium put ./planets mars '{"moons":2}' --value-encoding msgpack --create btree
  kvarium put ./pictures earth.png - < earth.png

The exit code is 0 when the value is stored, and 2 when it could not be.
`

export function putCommand(invocation: Invocation): Command {
  const engines = builtInEngines.names.filter(name => builtInEngines.find(name)?.durable === true)
  const { defaultName } = builtInEngines
  const command = new Command('put')
    .description('Store a value under a key')
    .argument('<dir>', 'the directory of the store')
    .argument('<key>', 'the key; put -- before keys that begin with a hyphen')
    .argument('<value>', 'the value, or - to read it from standard input')
    .addOption(
      new Option('-c, --create [engine]', `create the store if it does not exist (default engine: ${defaultName})`).choices(engines),
    )
    .addOption(sublevelOption())
    .option('--sync', 'wait until the write survives a power loss')
  return addEncodings(command)
    .addHelpText('after', EXAMPLES)
    .action((directory: string, key: string, value: string, flags: PutFlags) => runPut(invocation, directory, key, value, flags))
}

async function runPut(invocation: Invocation, directory: string, key: string, text: string, flags: PutFlags): Promise<void> {
  const encodings = encodingsOf(flags)
  const keyBytes = inSublevel(sublevelPrefix(flags.sublevel), decodeKey(key, encodings.key))
  const value = text === '-' ? await readInput(encodings.value) : decodeValue(text, encodings.value)
  const create = flags.create === true ? builtInEngines.defaultName : flags.create
  await writeStore(invocation, directory, create, db => db.put(keyBytes, value, { sync: flags.sync === true }))

  async function readInput(encoding: typeof encodings.value): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of invocation.stdin) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    return encoding === 'utf8' ? new Uint8Array(bytes) : decodeValue(bytes.toString('utf8').trim(), encoding)
  }
}
