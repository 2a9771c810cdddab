/** `npm run example N`: prints what an example found out, or lists the examples. */
import { InvalidArgumentError, program } from 'commander'
import { catalog } from './catalog.js'
import { record } from './lab.js'
import { transcript } from './transcript.js'

const entries = catalog()
const list = entries.map(({ number, name }) => `  ${number}  ${name}`).join('\n')

program
  .name('npm run example --')
  .description('Runs an example on a real store in memory, the same way every time, and prints what happened.')
  .argument('<number>', 'which example', value => {
    const entry = entries.find(({ number }) => String(number) === value)
    if (entry === undefined) throw new InvalidArgumentError(`There is no example ${value}. The examples are:\n${list}`)
    return entry
  })
  .option('--json', 'everything the run recorded, all events included, as JSON')
  .addHelpText('after', `\nExamples:\n${list}`)
  .action(async (entry: (typeof entries)[number], { json = false }: { readonly json?: boolean }) => {
    const recording = await record(entry.number, entry.name, await entry.load())
    process.stdout.write(json ? `${JSON.stringify(recording, undefined, 2)}\n` : transcript(recording))
  })
await program.parseAsync()
