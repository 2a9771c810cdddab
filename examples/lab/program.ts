/** The program of the examples: prints the transcript of an example, steps through it, or writes it as a page or as JSON. */
import { writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { toJson } from '../../src/observe/json-lines.js'
import { catalog, type Entry } from './catalog.js'
import { CommandKeys } from './command-keys.js'
import { commandLines } from './command-lines.js'
import type { Recording } from '../../packages/lab/src/replay/items.js'
import { replayPage } from '../../packages/lab/src/replay/replay-page.js'
import { record } from './lab.js'
import { replayScript } from './replay-script.js'
import { stepThrough } from './step-session.js'
import { typesOf } from '../../packages/lab/src/replay/stepper.js'
import { transcript } from './transcript.js'

interface Flags {
  readonly json?: true
  readonly step?: true
  readonly html?: string
}

/** Runs the program with the parameters of a command line. `name` is its name in the help. */
export async function runExamples(name: string, parameters: readonly string[]): Promise<void> {
  const entries = catalog()
  const isHelp = parameters.length === 0 || parameters.some(word => word === '-h' || word === '--help')
  const list = isHelp ? await questions(entries) : entries.map(({ number, name: title }) => `  ${number}  ${title}`).join('\n')
  const program = new Command(name)
    .description('Runs an example on a real store in memory, the same way every time, and prints what happened.')
    .argument('[example]', 'its number or name; without one, all are listed', value => {
      const entry = entries.find(({ number, name: title }) => String(number) === value || title === value)
      if (entry === undefined) throw new InvalidArgumentError(`There is no example ${value}. The examples are:\n${list}`)
      return entry
    })
    .option('--step', 'stop at every event; keys or, from a pipe, one command a line: h lists them')
    .addOption(new Option('--html <file>', 'write a page that replays the run; it needs no network').conflicts(['step', 'json']))
    .addOption(new Option('--json', 'everything the run recorded, all events included, as JSON').conflicts('step'))
    .addHelpText('after', `\nExamples, by number or name:\n${list}`)
    .action(async (entry: Entry | undefined, { json, step, html }: Flags) => {
      if (entry === undefined) {
        if (parameters.length > 0) program.error(`error: which example? Its number or name is missing. The examples are:\n${list}`)
        process.stdout.write(`${list}\n\nRun one with \`${name} NUMBER\`, or step through it with --step.\n`)
        return
      }
      const recording = await record(entry.number, entry.name, await entry.load())
      if (step) await stepAt(recording)
      else if (html !== undefined) await writePage(program, recording, html)
      else process.stdout.write(json ? `${JSON.stringify(toJson(recording), undefined, 2)}\n` : transcript(recording))
    })
  await program.parseAsync(parameters, { from: 'user' })
}

/** Each example with the question that it answers. */
async function questions(entries: readonly Entry[]): Promise<string> {
  const width = Math.max(...entries.map(({ name }) => name.length))
  const lines = entries.map(async ({ number, name, load }) => {
    const { question } = await load()
    return `  ${String(number).padStart(2)}  ${name.padEnd(width)}  ${question}`
  })
  return (await Promise.all(lines)).join('\n')
}

async function stepAt(recording: Recording): Promise<void> {
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  const { stdin, stdout } = process
  const { items } = recording
  const words = { types: typesOf(items), last: items.length }
  await stepThrough(recording, stdin.isTTY ? new CommandKeys(stdin, stdout, words) : commandLines(stdin, print), print)
}

async function writePage(program: Command, recording: Recording, file: string): Promise<void> {
  const { number, question, items } = recording
  const page = replayPage({ title: `Example ${number}: ${question}`, items }, await replayScript())
  try {
    writeFileSync(file, page)
  } catch (error) {
    program.error(`error: ${file} cannot be written: ${(error as Error).message}`)
  }
  process.stdout.write(`${file} replays example ${number}\n`)
}
