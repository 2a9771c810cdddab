import { dirname } from 'node:path'
import { Command } from 'commander'
import { builtInEngines } from 'kvarium'
import { type DirectoryInspection, type FileInspection, HEX_WIDTH, hexRows, inspectDirectory, inspectFile } from 'kvarium/inspect'
import type { PartRange, Problem, Span } from 'kvarium/inspect'
import { nodeEnvironment } from 'kvarium/vfs/node'
import { addKeyEncoding, decodeKey, type KeyEncoding } from './encodings.js'
import { isHeldOpen } from './held-open.js'
import { entryLines, factLines, hexLines, outlineLines, PART_HEADING, partLine, problemLine } from './inspect-text.js'
import type { Invocation } from './invocation.js'
import { Output } from './output.js'
import { asUsageError } from './refusal.js'
import { bytes as sizeText, count, plural } from 'kvarium-lab/report'
import type { TextStyle } from 'kvarium-lab/report'
import { styleFor, table } from './report/style.js'
import { wholeNumber } from './whole-number.js'

interface InspectFlags {
  readonly hex?: true
  readonly json?: true
  readonly entries?: true
  readonly all?: true
  readonly offset?: number
  readonly limit?: number
  readonly block?: number
  readonly page?: number
  readonly from?: string
  readonly keyEncoding: KeyEncoding
  readonly preview: number
}

/** Parts shown without `--limit` or `--all`; the rest is read and checked all the same. */
const SHOWN = 40
/** Rows of hex of one field without `--all`. */
const HEX_ROWS = 4

const EXAMPLES = `
Examples:
  kvarium inspect ./planets                         every file of a store, and what it is for
  kvarium inspect ./planets/000003.log --hex        each byte of a log with what it means
  kvarium inspect ./planets/000005.sst --block 2    the entries of one data block
  kvarium inspect ./planets/000005.sst --from mars  the blocks that hold mars and what follows
  kvarium inspect ./planets/data.btree --page 9 --hex
  kvarium inspect ./planets/MANIFEST-000007 --json

In front of a line, ! is damage, ? is under a check that failed and may be wrong, and . is not in use.

Nothing is changed and no lock is taken: it can be used while a store is open. The whole file is read and checked, one part at
a time, unless a range is given; with --limit reading stops there.

The exit code is 0 when all is well, 1 when something that was read is damaged, torn or missing, and 2 when it could not be looked at.
`

export function inspectCommand(invocation: Invocation): Command {
  const command = new Command('inspect')
    .description('Show the contents of a file of a store, down to the byte, or the files of a store')
    .argument('<path>', 'a file, or the directory of a store')
    .option('-x, --hex', 'print every byte: offset, bytes and meaning')
    .option('--json', 'print everything as JSON: spans with offset, length, name, value and children')
    .option('--entries', 'show the entries of each part, also of tables and trees')
    .option('--offset <bytes>', 'only parts that end after this offset, 0x… or decimal', wholeNumber(0))
    .option('-n, --limit <n>', 'stop after this many parts', wholeNumber(1))
    .option('--block <n>', 'only this data block of a table', wholeNumber(0))
    .option('--page <unit>', 'only the page of a B+tree that begins at this unit', wholeNumber(0))
    .option('--from <key>', 'only data blocks or leaves that start at this key or later')
    .option('--preview <bytes>', 'most bytes of a key or a value to show', wholeNumber(1), 48)
    .option('-a, --all', `show everything (default: ${SHOWN} parts, and ${SHOWN} entries of each)`)
  return addKeyEncoding(command)
    .addHelpText('after', EXAMPLES)
    .action((path: string, flags: InspectFlags) => runInspect(invocation, path, flags))
}

async function runInspect({ stdout, setExitCode }: Invocation, path: string, flags: InspectFlags): Promise<void> {
  const source = nodeEnvironment()
  const output = new Output(stdout)
  const style = styleFor(stdout)
  const options = { preview: flags.preview }
  try {
    const isDirectory = source.fileSystem.stat(path)?.kind === 'directory'
    const isHeld =
      isDirectory || source.fileSystem.stat(path) !== undefined ? await isHeldOpen(isDirectory ? path : dirname(path)) : undefined
    if (isDirectory) {
      const result = await inspectDirectory(path, source, { ...options, engines: builtInEngines })
      if (result.problems.length > 0) setExitCode(1)
      if (flags.json === true) await output.line(JSON.stringify({ ...result, heldOpen: isHeld }, undefined, 2))
      else await printDirectory(result, isHeld, output, style)
      return
    }
    const inspection = await inspectFile(path, source, options)
    try {
      const view = new FileView(inspection, flags, { output, style, isHeld: isHeld === true })
      await (flags.json === true ? view.printJson() : view.print())
      if (inspection.problems.length > 0) setExitCode(1)
    } finally {
      inspection.close()
    }
  } catch (error) {
    asUsageError(error)
  } finally {
    await output.flush()
  }
}

async function printDirectory(result: DirectoryInspection, isHeld: boolean | undefined, output: Output, style: TextStyle): Promise<void> {
  const { directory, engine, files, facts, outline, problems } = result
  // Without the lock's files, as kvarium stats counts.
  const own = files.filter(({ name }) => !name.startsWith('LOCK'))
  const total = own.reduce((sum, file) => sum + file.bytes, 0)
  await output.line(`${style.bold(directory)}: ${engine ?? 'no known engine'}, ${plural(own.length, 'file')}, ${sizeText(total)}`)
  if (isHeld === true) await output.line(HELD)
  const rows = files.map(({ name, bytes, state, role }) => [name, count(bytes), state, role])
  await output.line(`\n${table(['file', 'bytes', 'state', 'what it is for'], rows, style, { left: [0, 2, 3] })}`)
  if (facts.length > 0) await output.line(`\n${factLines(facts, style).join('\n')}`)
  if (outline.length > 0) await output.line()
  for (const node of outline) for (const line of outlineLines(node, style)) await output.line(line)
  await printProblems(problems, style, output)
}

async function printProblems(problems: readonly Problem[], style: TextStyle, output: Output): Promise<void> {
  if (problems.length === 0) return
  await output.line(`\n${plural(problems.length, 'problem')}:`)
  for (const problem of problems) await output.line(problemLine(problem, style))
}

const HELD = 'A process has the store open: its files may be changing.'

interface ViewOptions {
  readonly output: Output
  readonly style: TextStyle
  readonly isHeld: boolean
}

class FileView {
  readonly #inspection: FileInspection
  readonly #flags: InspectFlags
  readonly #output: Output
  readonly #isHeld: boolean
  readonly #style: TextStyle
  readonly #range: PartRange
  readonly #parts: Generator<Span>

  constructor(inspection: FileInspection, flags: InspectFlags, { output, style, isHeld }: ViewOptions) {
    const { offset, block, page, from, keyEncoding } = flags
    this.#inspection = inspection
    this.#flags = flags
    this.#output = output
    this.#style = style
    this.#isHeld = isHeld
    this.#range = {
      ...(offset !== undefined && { offset }),
      ...(block !== undefined && { block }),
      ...(page !== undefined && { page }),
      ...(from !== undefined && { from: decodeKey(from, keyEncoding) }),
    }
    this.#parts = inspection.parts(this.#range)
  }

  async print(): Promise<void> {
    const { path, title, bytes } = this.#inspection
    await this.#output.line(`${this.#style.bold(path)}: ${title}, ${plural(bytes, 'byte')}`)
    if (this.#isHeld) await this.#output.line(HELD)
    await this.#output.line()
    const { stoppedAt, shown } = await this.#printParts()
    if (shown === 0) await this.#output.line('  nothing in this range')
    if (stoppedAt === undefined && Object.keys(this.#range).length === 0) await this.#printSummary()
    if (stoppedAt !== undefined) await this.#output.line(`\nStopped by --limit: go on with --offset 0x${stoppedAt.toString(16)}`)
    const growth = this.#inspection.growth()
    if (growth !== 0)
      await this.#output.line(
        `\nIt ${growth > 0 ? 'grew' : 'shrank'} by ${plural(Math.abs(growth), 'byte')} during the inspection: a store is writing it.`,
      )
    await printProblems(this.#inspection.problems, this.#style, this.#output)
  }

  async printJson(): Promise<void> {
    const { path, kind, title, bytes } = this.#inspection
    const head = JSON.stringify({ file: path, kind, title, bytes, heldOpen: this.#isHeld })
    await this.#output.write(`${head.slice(0, -1)},"parts":[`)
    let count = 0
    for (const part of this.#limited()) await this.#output.write(`${count++ === 0 ? '' : ','}\n${JSON.stringify(part, plainData)}`)
    const facts = JSON.stringify(this.#inspection.facts())
    await this.#output.write(`\n],"facts":${facts},"outline":[`)
    const isWhole = Object.keys(this.#range).length === 0 && this.#flags.limit === undefined
    count = 0
    for (const node of isWhole ? this.#inspection.outline() : [])
      await this.#output.write(`${count++ === 0 ? '' : ','}\n${JSON.stringify(node)}`)
    await this.#output.line(`\n],"problems":${JSON.stringify(this.#inspection.problems)}}`)
  }

  /** Nothing is read behind the limit. */
  *#limited(): Generator<Span> {
    const { limit = Infinity } = this.#flags
    let count = 0
    for (const part of this.#parts) {
      yield part
      if (++count === limit) return
    }
  }

  async #printParts(): Promise<{ readonly shown: number; readonly stoppedAt: number | undefined }> {
    const { hex, limit, all } = this.#flags
    const most = all === true ? Infinity : (limit ?? SHOWN)
    let shown = 0
    let hidden = 0
    let end = 0
    if (hex !== true) await this.#output.line(this.#style.dim(PART_HEADING))
    for (const part of this.#limited()) {
      end = part.offset + part.length
      if (shown < most || part.problem !== undefined) {
        await this.#printPart(part)
        shown++
      } else hidden++
    }
    if (hidden > 0) await this.#output.line(`  ... ${plural(hidden, 'more part')}, without damage; --all shows them`)
    const isCut = limit !== undefined && shown === limit && end < this.#inspection.bytes
    return { shown, stoppedAt: isCut ? end : undefined }
  }

  async #printPart(part: Span): Promise<void> {
    const { hex, all } = this.#flags
    if (hex === true) {
      const read = (offset: number, length: number): Uint8Array => this.#inspection.read(offset, length)
      const rows = all === true ? Infinity : HEX_ROWS
      for (const row of hexRows(part, read, { width: HEX_WIDTH, rows })) await this.#output.line(hexLines(row, this.#style))
      return
    }
    await this.#output.line(partLine(part, this.#style))
    if (!this.#showsEntries()) return
    const most = all === true || this.#isChosen ? Infinity : SHOWN
    let count = 0
    for (const line of entriesOf(part, this.#style)) {
      if (count < most) await this.#output.line(line)
      count++
    }
    if (count > most) await this.#output.line(`    ... ${plural(count - most, 'more entry', 'more entries')}; --all shows them`)
  }

  /** Whether the user chose parts: those are shown in full. */
  get #isChosen(): boolean {
    const { block, page, from } = this.#flags
    return block !== undefined || page !== undefined || from !== undefined
  }

  /** Whether to show entries: always for files whose parts are small. */
  #showsEntries(): boolean {
    return this.#flags.entries === true || this.#isChosen || this.#inspection.decoder.selections.length === 0
  }

  async #printSummary(): Promise<void> {
    const facts = this.#inspection.facts()
    if (facts.length > 0) await this.#output.line(`\n${factLines(facts, this.#style).join('\n')}`)
    let count = 0
    const { all } = this.#flags
    for (const node of this.#inspection.outline()) {
      for (const line of outlineLines(node, this.#style)) {
        if (count === 0) await this.#output.line()
        if (count++ < SHOWN || all === true) await this.#output.line(line)
      }
      if (count > SHOWN && all !== true) {
        await this.#output.line('  ... and more; --all shows it')
        return
      }
    }
  }
}

/** The lines of a part's children; the part itself has its line already. */
function* entriesOf({ children = [] }: Span, style: TextStyle): Generator<string> {
  for (const child of children) yield* entryLines(child, style)
}

/** Replaces the bytes of decompressed contents by their number. */
function plainData(name: string, value: unknown): unknown {
  return name === 'bytes' && value instanceof Uint8Array ? value.length : value
}
