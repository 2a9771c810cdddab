import { Command } from 'commander'
import { verify, type Finding, type VerifyReport } from 'kvarium'
import { plural } from 'kvarium-lab/report'
import type { Invocation } from './invocation.js'
import { asUsageError } from './refusal.js'

export function verifyCommand(invocation: Invocation): Command {
  return new Command('verify')
    .description('Read and check everything in a store, without changing it, and report every broken invariant')
    .argument('<dir>', 'the directory of the store, which must not be open for writing')
    .option('-e, --engine <name>', 'the engine, if the store no longer records it')
    .option('--json', 'print the report as JSON, and nothing else, on standard output')
    .addHelpText('after', '\nThe exit code is 0 for a sound store, 1 for a damaged store, and 2 when the store could not be read.\n')
    .action((directory: string, flags: VerifyFlags) => runVerify(invocation, directory, flags))
}

interface VerifyFlags {
  readonly engine?: string
  readonly json?: boolean
}

async function runVerify({ stdout, setExitCode }: Invocation, directory: string, flags: VerifyFlags): Promise<void> {
  const { engine, json = false } = flags
  const report = await verify(directory, { engine }).catch(asUsageError)
  if (report.findings.length > 0) setExitCode(1)
  stdout.write(`${json ? JSON.stringify(report, undefined, 2) : describe(report)}\n`)
}

function describe({ directory, engine, opens, entries, bytes, findings }: VerifyReport): string {
  const lines = findings.map(line)
  const verdict = findings.length === 0 ? 'sound' : plural(findings.length, 'problem')
  lines.push(`${directory} (${engine}): ${verdict}; ${plural(entries, 'entry', 'entries')} of ${plural(bytes, 'key and value byte')} read`)
  if (findings.length > 0) {
    const state = opens ? 'It opens, but what is damaged cannot be read' : 'It does not open'
    lines.push(`${state}. kvarium repair ${directory} <target> writes a new store with what can be saved, and leaves this one as it is`)
  }
  return lines.join('\n')
}

function line({ path, message, file, offset }: Finding): string {
  const place = file === undefined || message.includes(file) ? '' : ` (${file}${offset === undefined ? '' : ` at byte ${offset}`})`
  return `${path}: ${message}${place}`
}
