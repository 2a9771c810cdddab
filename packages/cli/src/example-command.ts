import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Command } from 'commander'
import { packageRoot } from './package-root.js'

interface Program {
  runExamples(name: string, parameters: readonly string[]): Promise<void>
}

/** The examples are a separate program with its own options and help, which gets all parameters. */
export function exampleCommand(): Command {
  return new Command('example')
    .description('Run a numbered example on a real store in memory, or step through it')
    .argument('[parameters...]', 'the number, and options: see kvarium example --help')
    .helpOption(false)
    .allowUnknownOption()
    .action(async (parameters: readonly string[]) => {
      const { runExamples } = (await import(pathToFileURL(programFile()).href)) as Program
      await runExamples('kvarium example', parameters)
    })
}

/** The source in a checkout when the command itself runs from source, else the built file. */
function programFile(): string {
  const isSource = import.meta.url.endsWith('.ts')
  const file = isSource ? join(packageRoot(), '../../examples/lab/program.ts') : join(packageRoot(), 'dist/examples/lab/program.js')
  if (!existsSync(file)) throw new Error(`The package is incomplete: ${file} is missing`)
  return file
}
