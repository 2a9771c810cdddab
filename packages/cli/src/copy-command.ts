import { createRequire } from 'node:module'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Command, Option } from 'commander'
import {
  builtInEngines,
  copyStore,
  Kvarium,
  KvariumError,
  type AnyLevel,
  type CopyProgress,
  type CopyReport,
  type EntrySource,
} from 'kvarium'
import type { Engine } from 'kvarium/engine'
import { bytes, plural } from 'kvarium-lab/report'
import type { Invocation } from './invocation.js'
import { readStore } from './reading-store.js'
import { copyProgress } from './progress.js'
import { UsageError } from './usage-error.js'

const KINDS = ['kvarium', 'classic-level', 'lmdb'] as const
type Kind = (typeof KINDS)[number]

interface CopyFlags {
  readonly engine: string
  readonly from?: Kind
}

interface ClosableLevel extends AnyLevel {
  close(): Promise<void>
}

interface Lmdb {
  useReadTransaction(): { done(): void }
  getRange(options: object): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>
  close(): Promise<void>
}

const BYTES = { keyEncoding: 'view', valueEncoding: 'view' } as const

const EXAMPLES = `
Examples:
  kvarium copy ./planets ./planets-btree --engine btree
  kvarium copy ./old-level-store ./planets
  kvarium copy ./lmdb-directory ./planets --from lmdb

Stores of classic-level and lmdb are recognized by their files and read by these packages, which must be installed where the
command is started. Of lmdb it is the unnamed database, with its keys as the bytes that lmdb keeps. Afterwards both stores are
compared entry by entry. The exit code is 0 for a copy that is equal, 1 when the source is damaged or the copy differs, and 2 when
the copy could not be made.
`

export function copyCommand(invocation: Invocation): Command {
  const engines = builtInEngines.names.filter(name => builtInEngines.find(name)?.durable === true)
  return new Command('copy')
    .description('Copy a store into a new one, of any engine, and compare the two')
    .argument('<source>', 'the directory of the store to read, which must not be open')
    .argument('<target>', 'the directory of the new store')
    .addOption(new Option('-e, --engine <engine>', 'the engine of the new store').choices(engines).default(builtInEngines.defaultName))
    .addOption(new Option('--from <kind>', 'what wrote the source, if its files do not say').choices([...KINDS]))
    .addHelpText('after', EXAMPLES)
    .action((source: string, target: string, flags: CopyFlags) => runCopy(invocation, source, target, flags))
}

async function runCopy(invocation: Invocation, source: string, target: string, { engine, from }: CopyFlags): Promise<void> {
  const { stdout, stderr, setExitCode } = invocation
  const kind = from ?? kindOf(source)
  if (existsSync(target) && readdirSync(target).length > 0) throw new UsageError(`${target} is not empty: copy into a new directory`)
  const copy = async (entries: AnyLevel | EntrySource): Promise<void> => {
    const progress = copyProgress(stderr)
    const start = performance.now()
    try {
      const report = await copyInto(target, engine, entries, progress.update)
      progress.end()
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      const size = `${plural(report.entries, 'entry', 'entries')}, ${bytes(report.bytes)}`
      stdout.write(`${target} (${engine}): ${size}, equal to ${source}, in ${seconds} s\n`)
    } catch (error) {
      progress.end()
      // What is there of the copy would pass for the whole.
      await Kvarium.destroy(target)
      if (!(error instanceof KvariumError && error.code === 'LEVEL_COPY_DIFFERS')) throw error
      stderr.write(`error: ${error.message}\n`)
      setExitCode(1)
    }
  }
  if (kind === 'kvarium') await readStore(invocation, source, read => copy(() => entriesOf(read)))
  else if (kind === 'lmdb') await fromLmdb(source, copy)
  else await fromClassicLevel(source, copy)
}

async function copyInto(
  directory: string,
  engine: string,
  entries: AnyLevel | EntrySource,
  onProgress: (progress: CopyProgress) => void,
): Promise<CopyReport> {
  const target = new Kvarium<Uint8Array, Uint8Array>(directory, { engine: builtInEngines.resolve(engine), errorIfExists: true, ...BYTES })
  try {
    return await copyStore(entries, target, { onProgress })
  } finally {
    await target.close()
  }
}

/** Which program wrote the files of the directory. */
function kindOf(directory: string): Kind {
  if (!existsSync(directory)) throw new UsageError(`There is no directory ${directory}`)
  const names = readdirSync(directory)
  if (names.includes('KVARIUM')) return 'kvarium'
  if (names.includes('data.mdb')) return 'lmdb'
  if (names.includes('CURRENT')) return 'classic-level'
  throw new UsageError(`${directory} is no store of kvarium, classic-level or lmdb by its files; --from says what wrote it`)
}

/** Copies that the engine's next move does not change. */
function* entriesOf(engine: Engine): Generator<[Uint8Array, Uint8Array]> {
  const cursor = engine.cursor({})
  try {
    for (let valid = cursor.first(); valid; valid = cursor.next()) yield [cursor.key.copy(), cursor.value.copy()]
  } finally {
    cursor.close()
  }
}

async function fromClassicLevel(directory: string, copy: (source: AnyLevel) => Promise<void>): Promise<void> {
  const { ClassicLevel } = (await load('classic-level')) as { ClassicLevel: new (directory: string, options: object) => ClosableLevel }
  const source = new ClassicLevel(directory, { createIfMissing: false, ...BYTES })
  try {
    await source.open().catch((error: unknown) => {
      const { cause } = error as Error
      throw new UsageError(`${directory} cannot be read by classic-level: ${cause instanceof Error ? cause.message : String(error)}`)
    })
    await copy(source)
  } finally {
    await source.close()
  }
}

async function fromLmdb(directory: string, copy: (source: EntrySource) => Promise<void>): Promise<void> {
  const { open } = (await load('lmdb')) as { open: (options: object) => Lmdb }
  const source = open({ path: directory, readOnly: true, encoding: 'binary', keyEncoding: 'binary' })
  // One transaction: what another process writes meanwhile is not seen.
  const transaction = source.useReadTransaction()
  const entries: EntrySource = function* () {
    for (const { key, value } of source.getRange({ transaction })) yield [Uint8Array.from(key), Uint8Array.from(value)]
  }
  try {
    await copy(entries)
  } finally {
    transaction.done()
    await source.close()
  }
}

/** A package that is installed where the command was started. */
async function load(name: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(createRequire(join(process.cwd(), 'package.json')).resolve(name)).href)
  } catch (cause) {
    throw new UsageError(`The package ${name}, which reads the source, is not installed in ${process.cwd()}: npm install ${name}`, {
      cause,
    })
  }
}
