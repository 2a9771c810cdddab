import { Command } from 'commander'
import { builtInEngines } from 'kvarium'
import { inspectDirectory, inspectFile } from 'kvarium/inspect'
import type { Outline } from 'kvarium/inspect'
import { nodeEnvironment } from 'kvarium/vfs/node'
import { joinPath } from 'kvarium/vfs'
import { outlineLines, problemLine } from './inspect-text.js'
import type { Invocation } from './invocation.js'
import { Output } from './output.js'
import { asUsageError } from './refusal.js'
import { styleFor } from './report/style.js'
import { wholeNumber } from './whole-number.js'

interface TreeFlags {
  readonly limit?: number
  readonly preview: number
  readonly json?: true
}

const EXAMPLES = `
Examples:
  kvarium tree ./planets
  kvarium tree ./planets --limit 50

An LSM is shown by levels, runs and tables, a B+tree by its pages from the root down; in front come the logs with what is not yet in
tables or pages. Files are read as they are: without a lock, and without changing anything, so also while a store is open.

The exit code is 0, 1 when something is damaged or missing, and 2 when the store cannot be read.
`

export function treeCommand(invocation: Invocation): Command {
  return new Command('tree')
    .description('Print the structure of a store: levels and tables, or pages')
    .argument('<dir>', 'the directory of the store')
    .option('-n, --limit <n>', 'print at most this many lines', wholeNumber(1))
    .option('--preview <bytes>', 'most bytes of a key to show', wholeNumber(1), 24)
    .option('--json', 'print the structure as JSON')
    .addHelpText('after', EXAMPLES)
    .action((directory: string, flags: TreeFlags) => runTree(invocation, directory, flags))
}

async function runTree({ stdout, setExitCode }: Invocation, directory: string, flags: TreeFlags): Promise<void> {
  const { limit = Infinity, preview, json } = flags
  const source = nodeEnvironment()
  const output = new Output(stdout)
  const style = styleFor(stdout)
  try {
    const { engine, outline, outlineFile, problems } = await inspectDirectory(directory, source, { preview, engines: builtInEngines })
    if (problems.length > 0) setExitCode(1)
    const pages = outlineFile === undefined ? undefined : await pagesOf(joinPath(directory, outlineFile))
    const nodes = pages === undefined ? outline : concat(outline, pages.outline)
    let lines = 0
    if (json === true) await output.write(`{"directory":${JSON.stringify(directory)},"engine":${JSON.stringify(engine)},"tree":[`)
    else await output.line(`${style.bold(directory)}: ${engine ?? 'no known engine'}`)
    try {
      for (const node of nodes) {
        if (node.problem !== undefined) setExitCode(1)
        if (lines >= limit) break
        if (json === true) await output.write(`${lines++ === 0 ? '' : ','}\n${JSON.stringify(node)}`)
        else lines = await printNode(node, lines)
      }
    } finally {
      pages?.close()
    }
    if (json === true) await output.line(`\n],"problems":${JSON.stringify(problems)}}`)
    else for (const problem of problems) await output.line(problemLine(problem, style))
  } catch (error) {
    asUsageError(error)
  } finally {
    await output.flush()
  }

  async function printNode(node: Outline, printed: number): Promise<number> {
    let lines = printed
    for (const line of outlineLines(node, style)) {
      if (lines++ === limit) await output.line('  ... and more')
      if (lines <= limit) await output.line(line)
    }
    return lines
  }

  async function pagesOf(path: string): Promise<{ outline: Iterable<Outline>; close(): void } | undefined> {
    if (source.fileSystem.stat(path) === undefined) return undefined
    const inspection = await inspectFile(path, source, { preview })
    return { outline: inspection.outline(), close: () => inspection.close() }
  }
}

function* concat<T>(...all: readonly Iterable<T>[]): Generator<T> {
  for (const one of all) yield* one
}
