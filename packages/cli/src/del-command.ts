import { Command } from 'commander'
import { addKeyEncoding, decodeKey, type KeyEncoding } from './encodings.js'
import type { Invocation } from './invocation.js'
import { inSublevel, sublevelOption, sublevelPrefix, type SublevelFlag } from './sublevels.js'
import { writeStore } from './writing-store.js'

interface DelFlags extends SublevelFlag {
  readonly keyEncoding: KeyEncoding
  readonly hex?: true
  readonly sync?: true
}

const EXAMPLES = `
Examples:
  kvarium del ./planets pluto
  kvarium del ./planets ceres eris --sync

All keys are deleted at once, or none. The exit code is 0 when all were there, 1 when one was not, and 2 when the store could not be
changed.
`

export function delCommand(invocation: Invocation): Command {
  const command = new Command('del')
    .description('Delete keys')
    .argument('<dir>', 'the directory of the store')
    .argument('<keys...>', 'the keys; put -- before keys that begin with a hyphen')
    .option('-x, --hex', 'short for --key-encoding hex')
    .addOption(sublevelOption())
    .option('--sync', 'wait until the write survives a power loss')
  return addKeyEncoding(command)
    .addHelpText('after', EXAMPLES)
    .action((directory: string, keys: readonly string[], flags: DelFlags) => runDel(invocation, directory, keys, flags))
}

async function runDel(invocation: Invocation, directory: string, texts: readonly string[], flags: DelFlags): Promise<void> {
  const { keyEncoding, hex, sync } = flags
  const encoding = hex === true && keyEncoding === 'utf8' ? 'hex' : keyEncoding
  const prefix = sublevelPrefix(flags.sublevel)
  const keys = texts.map(text => inSublevel(prefix, decodeKey(text, encoding)))
  await writeStore(invocation, directory, undefined, async db => {
    const found = await db.hasMany(keys)
    for (const [index, isFound] of found.entries()) if (!isFound) invocation.stderr.write(`not found: ${texts[index]}\n`)
    if (found.includes(false)) invocation.setExitCode(1)
    const operations = keys.map(key => ({ type: 'del' as const, key }))
    await db.batch(operations, { sync: sync === true })
  })
}
