/** Runs the micro-benchmarks, each in its own process, so that one does not affect the machine code of another. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { short, table } from '../table.js'
import { bloom } from './bloom.js'
import { checksum } from './checksum.js'
import { compression } from './compression.js'
import { skiplist } from './skiplist.js'
import { sortedBlock } from './sorted-block.js'
import { time, type Micro, type Timing } from './suite.js'
import { table as sstable } from './table.js'
import { trace } from './trace.js'
import { wal } from './wal.js'

const MICROS: Readonly<Record<string, Micro>> = {
  skiplist,
  'sorted-block': sortedBlock,
  bloom,
  checksum,
  compression,
  wal,
  table: sstable,
  trace,
}

const USAGE = `npm run bench:micro -- [name...] [options]
  name            of ${Object.keys(MICROS).join(', ')} (all)
  --seconds TIME  for each case, at least (1)
  --json          print JSON lines instead of tables
  --in-process    do not give each its own process: for profilers`

const execute = promisify(execFile)

async function measureHere(name: string, seconds: number): Promise<Timing[]> {
  const cases = await MICROS[name].cases()
  return cases.map(one => time(one, seconds))
}

async function measureInChild(name: string, seconds: number): Promise<Timing[]> {
  const program = [...process.execArgv, fileURLToPath(import.meta.url)]
  const { stdout } = await execute(process.execPath, [...program, name, '--seconds', String(seconds), '--json', '--in-process'])
  const lines = stdout.split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as Timing)
}

function show(name: string, timings: readonly Timing[]): string {
  const rows = timings.map(timing => [
    timing.name,
    short(timing.nanoseconds),
    `${short(timing.leastNanoseconds)}-${short(timing.mostNanoseconds)}`,
    String(timing.samples),
  ])
  return `${name}: ${MICROS[name].about}\n\n${table(['operation', 'ns', 'least-most', 'samples'], rows)}\n`
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    'in-process': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const unknown = positionals.find(name => !Object.hasOwn(MICROS, name))
if (values.help) {
  console.log(USAGE)
} else if (unknown !== undefined || !(seconds > 0)) {
  console.error(
    unknown === undefined ? `--seconds must be above 0, not '${values.seconds}'` : `No micro-benchmark is called '${unknown}'\n${USAGE}`,
  )
  process.exitCode = 2
} else {
  for (const name of positionals.length > 0 ? positionals : Object.keys(MICROS)) {
    const timings = await (values['in-process'] ? measureHere(name, seconds) : measureInChild(name, seconds))
    if (values.json) for (const timing of timings) console.log(JSON.stringify({ micro: name, ...timing }))
    else console.log(show(name, timings))
  }
}
