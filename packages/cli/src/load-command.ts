import { tmpdir } from 'node:os'
import { Command, Option } from 'commander'
import { builtInEngines, Kvarium, msgpack } from 'kvarium'
import { quotedText, shortText } from 'kvarium/observe'
import { bytes, count, plural } from 'kvarium-lab/report'
import { FORMATS, formatOf, recordsOf, type Format } from './datasets/dataset.js'
import { fileInput, streamInput, watchedInput } from './datasets/record-input.js'
import type { Invocation } from './invocation.js'
import { loadProgress } from './progress.js'
import { SortedRuns, type SortedRecord } from './sorted-runs.js'
import { sublevelOption, sublevelPrefix, type SublevelFlag } from './sublevels.js'
import { UsageError } from './usage-error.js'
import { wholeNumber } from './whole-number.js'
import { engineOf, writeStore } from './writing-store.js'

interface LoadFlags extends SublevelFlag {
  readonly key?: string
  readonly engine?: string
  readonly format?: Format
  readonly valueEncoding: 'json' | 'msgpack'
  readonly onRepeat: 'last' | 'error'
  readonly memory: number
  readonly scratch: string
}

const MIB = 1 << 20
const LONGEST_KEY_SHOWN = 64
const BYTES = { keyEncoding: 'view', valueEncoding: 'view' }

const EXAMPLES = `
Examples:
  kvarium load ./people people.ndjson --key country,email
  kvarium load ./prices prices.csv --key sku --engine btree
  kvarium load ./geography cities.tsv --key country,city --sublevel cities
  zcat events.ndjson.gz | kvarium load ./events - --format ndjson

Keys are the chosen fields as text, joined by slashes; without --key the field key, id, _id or uuid that the first record has, of
CSV and TSV otherwise the first column, of NDJSON the number of the record. The value is the record. Of records with the same key
the last one counts. Records that do not fit into --memory are sorted in files in --scratch.

All entries become visible at once, and replace those of the same keys. The exit code is 0 when they are there, and 2 when they
could not be loaded: then the store is as it was before.
`

export function loadCommand(invocation: Invocation): Command {
  const engines = builtInEngines.names.filter(name => builtInEngines.find(name)?.durable === true)
  return new Command('load')
    .description('Load the records of a file into a store, in one step')
    .argument('<dir>', 'the directory of the store, which is created if it does not exist')
    .argument('<file>', 'a file .ndjson, .jsonl, .csv or .tsv, or - for standard input')
    .option('-k, --key <fields>', 'the fields that make up the key, with commas between them')
    .addOption(sublevelOption())
    .addOption(new Option('-e, --engine <engine>', `the engine of a new store (default: ${builtInEngines.defaultName})`).choices(engines))
    .addOption(new Option('-f, --format <format>', 'the format of the file, if its name does not say it').choices([...FORMATS]))
    .addOption(new Option('-v, --value-encoding <name>', 'how records are stored').choices(['json', 'msgpack']).default('json'))
    .addOption(
      new Option('--on-repeat <what>', 'of records with the same key store the last one, or refuse all')
        .choices(['last', 'error'])
        .default('last'),
    )
    .addOption(new Option('--memory <MiB>', 'memory for sorting').argParser(wholeNumber(1)).default(64))
    .addOption(new Option('--scratch <dir>', 'where files for sorting are put').default(tmpdir(), 'the directory for temporary files'))
    .addHelpText('after', EXAMPLES)
    .action((directory: string, file: string, flags: LoadFlags) => runLoad(invocation, directory, file, flags))
}

async function runLoad(invocation: Invocation, directory: string, file: string, flags: LoadFlags): Promise<void> {
  const { stdout, stderr, stdin } = invocation
  const format = flags.format ?? (file === '-' ? undefined : formatOf(file))
  if (format === undefined) {
    throw new UsageError(
      file === '-' ? 'Standard input needs --format' : `The name of ${file} does not say what it is: choose with --format`,
    )
  }
  const { sublevel: names = [] } = flags
  sublevelPrefix(names)
  const present = await engineOf(directory)
  if (present !== undefined && flags.engine !== undefined && flags.engine !== present) {
    throw new UsageError(`${directory} is a store of ${present}: leave out --engine ${flags.engine}, or load into another directory`)
  }
  const progress = loadProgress(stderr)
  const input = file === '-' ? streamInput('standard input', stdin) : fileInput(file)
  const source = recordsOf(watchedInput(input, progress.read), format, flags.key?.split(','))
  using runs = new SortedRuns(flags.scratch, flags.memory * MIB)
  const removeRuns = (): void => runs[Symbol.dispose]()
  process.once('exit', removeRuns)
  const start = performance.now()
  const entries = new DistinctEntries(flags.onRepeat, input.name)
  const create = flags.engine ?? builtInEngines.defaultName
  let isLoaded = false
  try {
    await writeStore(invocation, directory, create, async db => {
      let records = 0
      for await (const { key, value, line } of source.records) {
        const encoded = flags.valueEncoding === 'json' ? Buffer.from(JSON.stringify(value)) : msgpack.encode(value)
        runs.add({ key: Buffer.from(key), value: encoded, line })
        records++
      }
      if (records === 0) throw new UsageError(`${input.name} holds no records`)
      const sublevel = names.length === 0 ? undefined : db.sublevel<Uint8Array, Uint8Array>([...names], BYTES)
      await db.ingest(
        entries.of(runs.sorted(), done => progress.write(done, records)),
        { sublevel },
      )
      isLoaded = true
    })
  } finally {
    progress.end()
    process.removeListener('exit', removeRuns)
    if (!isLoaded && present === undefined && (await engineOf(directory)) !== undefined) await Kvarium.destroy(directory)
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const loaded = `${plural(entries.count, 'entry', 'entries')}, ${bytes(entries.bytes)}`
  const repeats = entries.repeats === 0 ? '' : `; ${count(entries.repeats)} had the key of a later one`
  stdout.write(`${directory} (${present ?? create}): ${loaded}, in ${seconds} s, by ${source.keys()}${repeats}\n`)
}

/** Sorted records as entries with distinct keys. */
class DistinctEntries {
  count = 0
  bytes = 0
  /** Records with the key of a later one. */
  repeats = 0
  readonly #onRepeat: 'last' | 'error'
  readonly #name: string

  constructor(onRepeat: 'last' | 'error', name: string) {
    this.#onRepeat = onRepeat
    this.#name = name
  }

  /** `onDone` is called with how many records were passed on, every thousand or so. */
  *of(records: Iterable<SortedRecord>, onDone: (records: number) => void): Generator<[Uint8Array, Uint8Array]> {
    let before: SortedRecord | undefined
    for (const record of records) {
      if (before !== undefined && Buffer.compare(before.key, record.key) === 0) this.#repeat(before, record)
      else if (before !== undefined) yield this.#entry(before)
      before = record
      if ((this.count + this.repeats) % 1024 === 0) onDone(this.count + this.repeats)
    }
    if (before !== undefined) yield this.#entry(before)
  }

  #entry({ key, value }: SortedRecord): [Uint8Array, Uint8Array] {
    this.count++
    this.bytes += key.length + value.length
    return [key, value]
  }

  #repeat(before: SortedRecord, { key, line }: SortedRecord): void {
    this.repeats++
    if (this.#onRepeat === 'last') return
    const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString()
    const shown = quotedText(shortText(text, LONGEST_KEY_SHOWN + 1, '…'))
    throw new UsageError(`${this.#name} line ${line}: the key ${shown} is that of line ${before.line}, too`)
  }
}
