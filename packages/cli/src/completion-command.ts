/**
 * `kvarium completion`: a script for a shell, which asks `kvarium completion-server` at each press of the key. The scripts are those of
 * tabtab; what can follow is read from the commands themselves.
 */
import { Argument, Command, type Option } from 'commander'
import type { Invocation } from './invocation.js'
import { UsageError } from './usage-error.js'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

/** The answer to which tabtab's scripts let the shell complete the name of a file. */
const FILES = '__tabtab_complete_files__'

const EXAMPLES = `
Examples:
  echo 'source <(kvarium completion bash)' >> ~/.bashrc
  echo 'source <(kvarium completion zsh)' >> ~/.zshrc
  kvarium completion fish > ~/.config/fish/completions/kvarium.fish

Subcommands, options and their choices are completed, and otherwise the names of files and directories.
`

export function completionCommand({ stdout }: Invocation): Command {
  return new Command('completion')
    .description('Print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action(async (shell: Shell) => {
      const { default: tabtab } = await import('@pnpm/tabtab')
      stdout.write(await tabtab.getCompletionScript({ name: 'kvarium', completer: 'kvarium', shell }))
    })
}

/** What the scripts call: `kvarium completion-server -- WORDS`, with the shell and the number of the word at the cursor in the environment. */
export function completionServer({ stdout }: Invocation, program: Command): Command {
  return new Command('completion-server').argument('<words...>').action((words: readonly string[]) => {
    const { SHELL = '', COMP_CWORD } = process.env
    const shell = SHELLS.find(name => SHELL.endsWith(name))
    if (shell === undefined) throw new UsageError('completion-server is called by the script that `kvarium completion` prints')
    const found = completionsOf(program, words.slice(1, Number(COMP_CWORD ?? words.length - 1) + 1))
    stdout.write(found === undefined ? `${FILES}\n` : found.map(candidate => `${format(candidate, shell)}\n`).join(''))
  })
}

interface Candidate {
  readonly name: string
  readonly description: string
}

function format({ name, description }: Candidate, shell: Shell): string {
  if (shell === 'bash' || description === '') return name
  return shell === 'zsh' ? `${name.replaceAll(':', '\\:')}:${description}` : `${name}\t${description}`
}

/**
 * What can stand in place of the last word; `undefined` where it is the name of a file.
 * @param words - Those behind the command's name, up to the one at the cursor.
 */
export function completionsOf(program: Command, words: readonly string[]): readonly Candidate[] | undefined {
  const current = words.at(-1) ?? ''
  const matching = (candidates: readonly Candidate[]): Candidate[] => candidates.filter(({ name }) => name.startsWith(current))
  const help = program.createHelp()
  const command = words.length < 2 ? program : program.commands.find(one => one.name() === words[0])
  if (command === undefined) return []
  const options = help.visibleOptions(command)
  if (current.startsWith('-')) {
    return matching(options.map(({ long, short, description }) => ({ name: long ?? short ?? '', description })))
  }
  if (command === program) {
    return matching(help.visibleCommands(program).map(one => ({ name: one.name(), description: one.description() })))
  }
  const takesValue = (word: string | undefined): Option | undefined =>
    options.find(one => word !== undefined && (one.long === word || one.short === word) && one.required)
  const option = takesValue(words.at(-2))
  // An argument's number is that of the words before it that are neither options nor their values.
  const before = words.slice(1, -1).filter((word, i) => !word.startsWith('-') && takesValue(words[i]) === undefined)
  const parameters = command.registeredArguments
  const choices = option === undefined ? parameters[Math.min(before.length, parameters.length - 1)]?.argChoices : option.argChoices
  return choices === undefined ? undefined : matching(choices.map(name => ({ name, description: '' })))
}
