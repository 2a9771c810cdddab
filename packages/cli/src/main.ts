#!/usr/bin/env node
/** The `kvarium` command. */
import { Command, CommanderError } from 'commander'
import { MisuseError } from 'kvarium'
import { compareCommand } from './compare-command.js'
import { copyCommand } from './copy-command.js'
import { delCommand } from './del-command.js'
import { exampleCommand } from './example-command.js'
import { getCommand } from './get-command.js'
import { inspectCommand } from './inspect-command.js'
import { learnCommand } from './learn-command.js'
import { endWithReader } from './output.js'
import { VERSION } from './package-version.js'
import { putCommand } from './put-command.js'
import { repairCommand } from './repair.js'
import { reportCommand } from './report-command.js'
import { scanCommand } from './scan-command.js'
import { statsCommand } from './stats-command.js'
import { treeCommand } from './tree-command.js'
import { UsageError } from './usage-error.js'
import { verifyCommand } from './verify.js'

const USAGE_EXIT_CODE = 2
const HELP_WIDTH = 100

const program = new Command('kvarium')
  .description('A glass-walled key-value store: engines side by side, with every byte counted')
  .version(VERSION)
  .showSuggestionAfterError()
  .configureHelp({ helpWidth: HELP_WIDTH })
  .exitOverride()
// An added command inherits no settings.
const commands = [
  getCommand(),
  putCommand(),
  delCommand(),
  scanCommand(),
  statsCommand(),
  treeCommand(),
  inspectCommand(),
  compareCommand(),
  reportCommand(),
  learnCommand(),
  verifyCommand(),
  repairCommand(),
  copyCommand(),
]
for (const command of commands) program.addCommand(command.copyInheritedSettings(program))
// The examples have their own help, which these settings would replace.
program.addCommand(exampleCommand())

for (const stream of [process.stdout, process.stderr]) endWithReader(stream)
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = USAGE_EXIT_CODE
  if (error instanceof CommanderError) {
    // The message is printed already; asking for help or the version is no error.
    if (error.exitCode === 0) process.exitCode = 0
  } else if (error instanceof UsageError || error instanceof MisuseError) {
    process.stderr.write(`error: ${error.message}\n`)
  } else {
    throw error
  }
}
