import { Command } from 'commander'
import { backup, KvariumError, type BackupReport } from 'kvarium'
import { bytes, plural } from 'kvarium-lab/report'
import type { Invocation } from './invocation.js'
import { backupProgress } from './progress.js'
import { refuse } from './reading-store.js'
import { UsageError } from './usage-error.js'

interface BackupFlags {
  readonly incremental?: true
  readonly verify?: true
  readonly json?: true
}

const EXAMPLES = `
Examples:
  kvarium backup ./planets /mnt/backups/planets
  kvarium backup ./planets /mnt/backups/planets --incremental --verify

The backup is a store of its own, which any program opens; to restore, copy its directory. The source is only read, and may not be open
for writing: a program that has it open makes a backup with db.checkpoint(directory). On one disk the tables of the engine lsm are not
copied but get a second name. With --incremental the target may be new, or an earlier backup of the same directory that was not written to:
of btree only changed pages are written. The earlier one stays whole until the new one is. The exit code is 0 for a backup, 1 when the store is damaged or the backup differs from it, and 2 when
none could be made.
`

export function backupCommand(invocation: Invocation): Command {
  return new Command('backup')
    .description('Write a store as it is now into another directory, as a store of its own')
    .argument('<dir>', 'the directory of the store, which must not be open for writing')
    .argument('<target>', 'a new or empty directory for the backup')
    .option('--incremental', 'replace an earlier backup in the target, and write only what it does not have')
    .option('--verify', 'open and check the backup, and compare it with the store entry by entry')
    .option('--json', 'print the report as JSON, and nothing else, on standard output')
    .addHelpText('after', EXAMPLES)
    .action((directory: string, target: string, flags: BackupFlags) => runBackup(invocation, directory, target, flags))
}

async function runBackup(invocation: Invocation, directory: string, target: string, { json, ...options }: BackupFlags): Promise<void> {
  const { stdout, stderr, setExitCode } = invocation
  const progress = backupProgress(stderr)
  const start = performance.now()
  try {
    const report = await backup(directory, target, { ...options, onProgress: progress.update })
    progress.end()
    stdout.write(`${json === true ? JSON.stringify(report, undefined, 2) : describe(report, performance.now() - start)}\n`)
  } catch (error) {
    progress.end()
    const code = error instanceof KvariumError ? error.code : undefined
    if (code === 'LEVEL_BACKUP_DIFFERS') {
      stderr.write(`error: ${(error as Error).message}\n`)
      setExitCode(1)
    } else if (code === 'LEVEL_ALREADY_EXISTS' && options.incremental !== true) {
      throw new UsageError(
        `There is something at ${target}: make the backup in a new directory, or replace an earlier one with --incremental`,
      )
    } else refuse(invocation, error)
  }
}

function describe({ directory, target, engine, entries, ...report }: BackupReport, ms: number): string {
  const { writtenBytes, linkedBytes, keptBytes, pages } = report
  const inPages = (count: number | undefined): string => (count === undefined ? '' : ` in ${plural(count, 'page')}`)
  const parts = [
    `${bytes(writtenBytes)} written${inPages(pages?.written)}`,
    ...(linkedBytes > 0 ? [`${bytes(linkedBytes)} shared with the store`] : []),
    ...(keptBytes > 0 ? [`${bytes(keptBytes)} kept from the earlier backup${inPages(pages?.kept)}`] : []),
  ]
  const compared = entries === undefined ? '' : `; ${plural(entries, 'entry', 'entries')}, equal to ${directory}`
  return `${target} (${engine}): ${bytes(report.bytes)}, ${parts.join(', ')}${compared}, in ${(ms / 1000).toFixed(1)} s`
}
