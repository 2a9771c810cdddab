/** The command: its subcommands, and the exit codes of what they refuse. */
import { Command, CommanderError } from 'commander'
import { MisuseError } from 'kvarium'
import { backupCommand } from './backup-command.js'
import { compareCommand } from './compare-command.js'
import { completionCommand, completionServer } from './completion-command.js'
import { copyCommand } from './copy-command.js'
import { delCommand } from './del-command.js'
import { exampleCommand } from './example-command.js'
import { exploreCommand } from './explore-command.js'
import { getCommand } from './get-command.js'
import { inspectCommand } from './inspect-command.js'
import type { Invocation } from './invocation.js'
import { learnCommand } from './learn-command.js'
import { loadCommand } from './load-command.js'
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

/** Runs the command. What is refused goes to standard error, with exit code 2; any other error is thrown. */
export async function run(invocation: Invocation): Promise<void> {
  const { parameters, stderr, setExitCode } = invocation
  try {
    await programFor(invocation).parseAsync(parameters, { from: 'user' })
  } catch (error) {
    // The message is printed already; asking for help or the version is no error.
    if (error instanceof CommanderError) setExitCode(error.exitCode === 0 ? 0 : USAGE_EXIT_CODE)
    else if (error instanceof UsageError || error instanceof MisuseError) {
      setExitCode(USAGE_EXIT_CODE)
      stderr.write(`error: ${error.message}\n`)
    } else throw error
  }
}

function programFor(invocation: Invocation): Command {
  const { stdout, stderr } = invocation
  const program = new Command('kvarium')
    .description('A glass-walled key-value store: engines side by side, with every byte counted')
    .version(VERSION)
    .showSuggestionAfterError()
    .configureHelp({ helpWidth: HELP_WIDTH })
    .configureOutput({ writeOut: text => stdout.write(text), writeErr: text => stderr.write(text) })
    .exitOverride()
  const commands = [
    getCommand(invocation),
    putCommand(invocation),
    delCommand(invocation),
    scanCommand(invocation),
    statsCommand(invocation),
    treeCommand(invocation),
    inspectCommand(invocation),
    exploreCommand(invocation),
    compareCommand(invocation),
    reportCommand(invocation),
    learnCommand(invocation),
    verifyCommand(invocation),
    repairCommand(invocation),
    copyCommand(invocation),
    loadCommand(invocation),
    backupCommand(invocation),
    completionCommand(invocation),
  ]
  // An added command inherits no settings.
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program))
  // The examples have their own help, which these settings would replace.
  return program.addCommand(exampleCommand()).addCommand(completionServer(invocation, program), { hidden: true })
}
