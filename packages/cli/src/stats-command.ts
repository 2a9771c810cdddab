import { Command, Option } from 'commander'
import type { Engine, EngineFactory } from 'kvarium/engine'
import { spaceAmplification } from 'kvarium/trace'
import { nodeEnvironment } from 'kvarium/vfs/node'
import { joinPath } from 'kvarium/vfs'
import { factLines } from './inspect-text.js'
import type { Invocation } from './invocation.js'
import { Output } from './output.js'
import { readStore } from './reading-store.js'
import { bytes, count, plural, times } from 'kvarium-lab/report'
import type { TextStyle } from 'kvarium-lab/report'
import { styleFor, table } from './report/style.js'

interface StatsFlags {
  readonly json?: true
  readonly prometheus?: true
}

const EXAMPLES = `
Examples:
  kvarium stats ./planets
  kvarium stats ./planets --json
  kvarium stats ./planets --prometheus > /var/lib/node_exporter/planets.prom

The sizes are those of a store that has just been opened: what is in its logs counts as memory. The store is not changed, and may not be
open for writing. The exit code is 0, 1 when the store is damaged, and 2 when it cannot be read.
`

export function statsCommand(invocation: Invocation): Command {
  return new Command('stats')
    .description('Print the sizes of a store and of its levels')
    .argument('<dir>', 'the directory of the store')
    .addOption(new Option('--json', 'print all stats of the engine as JSON').conflicts('prometheus'))
    .option('--prometheus', 'print the sizes as OpenMetrics text')
    .addHelpText('after', EXAMPLES)
    .action((directory: string, flags: StatsFlags) => runStats(invocation, directory, flags))
}

async function runStats(invocation: Invocation, directory: string, { json, prometheus }: StatsFlags): Promise<void> {
  const output = new Output(invocation.stdout)
  const files = (): { count: number; bytes: number } => filesOf(directory)
  await readStore(invocation, directory, async (engine, factory) => {
    const { count: fileCount, bytes: fileBytes } = files()
    if (json === true) {
      const stats = engine.stats()
      await output.line(JSON.stringify({ directory, files: fileCount, fileBytes, stats, shape: engine.shape() }, undefined, 2))
      return
    }
    if (prometheus === true) {
      const { openMetrics } = await import('./open-metrics.js')
      await output.line((await openMetrics({ directory, fileCount, fileBytes, stats: engine.stats(), shape: engine.shape() })).trimEnd())
      return
    }
    await output.line(describe(directory, engine, factory, { fileCount, fileBytes, style: styleFor(invocation.stdout) }))
  })
  await output.flush()
}

interface Shown {
  readonly fileCount: number
  readonly fileBytes: number
  readonly style: TextStyle
}

function describe(directory: string, engine: Engine, { countsLiveBytes }: EngineFactory, { fileCount, fileBytes, style }: Shown): string {
  const { ledger, memoryBytes } = engine.stats()
  const { levels, tree } = engine.shape() as { levels?: readonly Level[]; tree?: readonly TreeLevel[] }
  const facts = [
    { name: 'files', value: `${plural(fileCount, 'file')}, ${bytes(fileBytes)}` },
    { name: 'live keys and values', value: `${bytes(ledger.liveBytes)}${countsLiveBytes === true ? '' : ', estimated'}` },
    { name: 'space amplification', value: times(spaceAmplification(fileBytes, ledger.liveBytes)) },
    { name: 'memory when opened', value: bytes(memoryBytes) },
  ]
  const lines = [`${style.bold(directory)}: ${engine.name}`, '', ...factLines(facts, style)]
  if (tree !== undefined && tree.length > 0) {
    const rows = tree.map(level => [String(level.depth), count(level.pages), bytes(level.bytes)])
    lines.push('', table(['depth', 'pages', 'size'], rows, style))
  } else if (levels !== undefined && levels.length > 0) {
    const rows = levels.map(level => [`L${level.level}`, count(level.runs), count(level.tables), count(level.entries), bytes(level.bytes)])
    lines.push('', table(['level', 'runs', 'tables', 'entries', 'size'], rows, style))
  }
  return lines.join('\n')
}

interface Level {
  readonly level: number
  readonly runs: number
  readonly tables: number
  readonly entries: number
  readonly bytes: number
}

interface TreeLevel {
  readonly depth: number
  readonly pages: number
  readonly bytes: number
}

/** Files of the store on disk, without those of the lock. */
function filesOf(directory: string): { count: number; bytes: number } {
  const { fileSystem } = nodeEnvironment()
  const names = fileSystem.list(directory).filter(name => !name.startsWith('LOCK'))
  return { count: names.length, bytes: names.reduce((sum, name) => sum + (fileSystem.stat(joinPath(directory, name))?.size ?? 0), 0) }
}
