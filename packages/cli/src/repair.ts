import { Command } from 'commander'
import { Kvarium, repair, type Loss, type RepairReport } from 'kvarium'
import { plural } from 'kvarium-lab/report'
import type { Invocation } from './invocation.js'
import { asUsageError } from './refusal.js'
import { UsageError } from './usage-error.js'

export function repairCommand(invocation: Invocation): Command {
  return new Command('repair')
    .description('Write a new store with everything readable from a damaged one, and report what is lost')
    .argument('<dir>', 'the directory of the damaged store, which does not change unless --in-place is given')
    .argument('[target]', 'a new or empty directory for the new store')
    .option('--in-place', 'replace the store in <dir> by the new one; damaged files are kept in its folder KVARIUM.lost')
    .option('-e, --engine <name>', 'the engine, if the store no longer records it')
    .option('--json', 'print the report as JSON, and nothing else, on standard output')
    .addHelpText('after', '\nThe exit code is 0 if nothing was lost, 1 if something was lost, and 2 if no store was written.\n')
    .action((directory: string, target: string | undefined, options: RepairCommandOptions) =>
      runRepair(invocation, directory, target, options),
    )
}

interface RepairCommandOptions {
  readonly engine?: string
  readonly json?: boolean
  readonly inPlace?: boolean
}

async function runRepair(
  { stdout, setExitCode }: Invocation,
  directory: string,
  target: string | undefined,
  options: RepairCommandOptions,
): Promise<void> {
  const { engine, json = false, inPlace = false } = options
  if (inPlace === (target !== undefined)) {
    throw new UsageError('Give either a target, for a new store beside the damaged one, or --in-place, to replace the damaged one')
  }
  const repaired = target === undefined ? Kvarium.repair(directory, { engine }) : repair(directory, target, { engine })
  const report = await repaired.catch(asUsageError)
  if (report.losses.length > 0) setExitCode(1)
  const text = json ? JSON.stringify({ ...report, losses: report.losses.map(readable) }, undefined, 2) : describe(report)
  stdout.write(`${text}\n`)
}

function describe({ target, engine, entries, bytes, losses }: RepairReport): string {
  const lines = losses.map(line)
  lines.push(`${target} (${engine}): ${plural(entries, 'entry', 'entries')} of ${plural(bytes, 'key and value byte')} saved`)
  if (losses.length > 0) lines.push('Keys in what was lost may be missing, or have an older value')
  return lines.join('\n')
}

function line(loss: Loss): string {
  const { file, offset, message, keys } = readable(loss)
  const place = message.includes(file) ? '' : ` (${file}${offset === undefined ? '' : ` at byte ${offset}`})`
  return `lost: ${message}${place}${keys === undefined ? '' : `, ${rangeText(keys)}`}`
}

/** Keys as text where they are printable, as hex otherwise. */
function readable({ keys, ...loss }: Loss): Omit<Loss, 'keys'> & { keys?: ReadableRange } {
  if (keys === undefined) return loss
  return { ...loss, keys: Object.fromEntries(Object.entries(keys).map(([bound, key]: [string, Uint8Array]) => [bound, shown(key)])) }
}

type ReadableRange = Partial<Readonly<Record<keyof NonNullable<Loss['keys']>, string>>>

function rangeText({ gt, gte, lt, lte }: ReadableRange): string {
  const from = gt === undefined ? `from ${gte ?? 'the first'}` : `after ${gt}`
  const to = lt === undefined ? `to ${lte ?? 'the last'}` : `before ${lt}`
  return `keys ${from} ${to}`
}

function shown(key: Uint8Array): string {
  const isPrintable = key.length > 0 && key.every(byte => byte >= 0x20 && byte < 0x7f)
  return isPrintable ? JSON.stringify(Buffer.from(key).toString('latin1')) : `0x${Buffer.from(key).toString('hex')}`
}
