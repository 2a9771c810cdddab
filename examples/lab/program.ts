/** The program of the examples: prints the transcript of an example, steps through it, or writes it as a page or as JSON. */
import { writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { toJson } from '../../src/observe/json-lines.js'
import { catalog } from './catalog.js'
import { CommandKeys } from './command-keys.js'
import { commandLines } from './command-lines.js'
import type { Recording } from './items.js'
import { record } from './lab.js'
import { stepThrough } from './step-session.js'
import { typesOf } from './stepper.js'
import { transcript } from './transcript.js'

interface Flags {
  readonly json?: true
  readonly step?: true
  readonly html?: string
}

/** Runs the program with the parameters of a command line. `name` is its name in the help. */
export async function runExamples(name: string, parameters: readonly string[]): Promise<void> {
  const entries = catalog()
  const list = entries.map(({ number, name: title }) => `  ${number}  ${title}`).join('\n')
  const program = new Command(name)
    .description('Runs an example on a real store in memory, the same way every time, and prints what happened.')
    .argument('<number>', 'which example', value => {
      const entry = entries.find(({ number }) => String(number) === value)
      if (entry === undefined) throw new InvalidArgumentError(`There is no example ${value}. The examples are:\n${list}`)
      return entry
    })
    .option('--step', 'stop at every event; keys or, from a pipe, one command a line: h lists them')
    .addOption(new Option('--html <file>', 'write a page that replays the run; it needs no network').conflicts(['step', 'json']))
    .addOption(new Option('--json', 'everything the run recorded, all events included, as JSON').conflicts('step'))
    .addHelpText('after', `\nExamples:\n${list}`)
    .action(async (entry: (typeof entries)[number], { json, step, html }: Flags) => {
      const recording = await record(entry.number, entry.name, await entry.load())
      if (step) await stepAt(recording)
      else if (html !== undefined) await writePage(recording, html)
      else process.stdout.write(json ? `${JSON.stringify(toJson(recording), undefined, 2)}\n` : transcript(recording))
    })
  await program.parseAsync(parameters, { from: 'user' })
}

async function stepAt(recording: Recording): Promise<void> {
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  const { stdin, stdout } = process
  const { items } = recording
  const words = { types: typesOf(items), last: items.length }
  await stepThrough(recording, stdin.isTTY ? new CommandKeys(stdin, stdout, words) : commandLines(stdin, print), print)
}

async function writePage(recording: Recording, file: string): Promise<void> {
  // Only a page needs the bundler.
  const { replayPage } = await import('./page/replay-page.js')
  writeFileSync(file, await replayPage(recording))
  process.stdout.write(`${file} replays example ${recording.number}\n`)
}
