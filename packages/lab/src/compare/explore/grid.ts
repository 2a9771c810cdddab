/** The grid of a map: its dimensions, as the table or the user has them, and the points that they span. */
import { builtInEngines, MisuseError } from 'kvarium'
import { nearestName, resolveOptions, type OptionTable } from 'kvarium/engine'
import { exactBytes } from '../../report/numbers.js'
import type { MapDimension } from '../../report/run-report.js'
import { configureEngines, loadEngines, parseValue, type EngineRow } from '../engine-table.js'
import type { EngineConfiguration } from '../results.js'
import { BUFFER_SHARE, DIMENSIONS, MAPPED_ENGINES, type Dimension, type Value } from './dimensions.js'

export interface GridRequest {
  /** As for a comparison. Default: every engine with dimensions. */
  readonly engines?: string | undefined
  /** `NAME=VALUE,VALUE` each: only these options vary. */
  readonly vary?: readonly string[]
  /** The same as JSON, with the name of its file for messages: `{"lsm": {"fanOut": [4, 8]}}`. Only the engines in it are on the map. */
  readonly file?: { readonly path: string; readonly json: string }
  /** `NAME=VALUE` each, for all points. */
  readonly settings?: readonly string[]
  /** By which sizes shrink; see `scaleFor`. */
  readonly scale: number
  /** For write buffer, filters and cache of each point, in bytes. Default: those of the default engine, scaled. */
  readonly memoryBytes?: number | undefined
  /** Entries of the work, for the size of filters. */
  readonly entries: number
}

export interface Grid {
  readonly points: readonly EngineConfiguration[]
  readonly dimensions: readonly MapDimension[]
  readonly memoryBytes: number
}

/** The least that both engines take for a write buffer. */
const LEAST_BUFFER = 16 << 10
const DEFAULT_SHARE = 20

/** @throws MisuseError that names the engine, the option or the value that is wrong. */
export async function gridOf(request: GridRequest): Promise<Grid> {
  const { settings = [], scale, entries } = request
  const rows = await mappedRows(request)
  const dimensions = chosenDimensions(request, rows)
  const memoryBytes = request.memoryBytes ?? defaultMemory(scale)
  const points = rows.flatMap(row => {
    const own = dimensions.filter(dimension => dimension.engine === row.engine && !isFixed(row, dimension))
    return combinations(own, row.options).map(({ name, options, share }) =>
      pointOf(row, name, { ...options }, share, { memoryBytes, entries }),
    )
  })
  const unique = points.filter((point, index) => points.findIndex(({ name }) => name === point.name) === index)
  return {
    points: configureEngines(unique, scale, settings),
    dimensions: dimensions.map(dimension => reported(dimension, memoryBytes)),
    memoryBytes,
  }
}

/** As the report has it: by what the engine gets. */
function reported({ engine, option, values }: Dimension, memoryBytes: number): MapDimension {
  if (option !== BUFFER_SHARE) return { engine, option, values }
  return { engine, option: 'writeBufferSize', values: values.map(share => bufferOf(memoryBytes, Number(share))) }
}

function bufferOf(memoryBytes: number, share: number): number {
  return Math.max(LEAST_BUFFER, Math.round((memoryBytes * share) / 100))
}

/** One row per engine, without the options that vary, unless the user named a variant: that one keeps its options. */
async function mappedRows({ engines, file }: GridRequest): Promise<readonly EngineRow[]> {
  const list = engines ?? (file === undefined ? MAPPED_ENGINES : Object.keys(readGrid(file))).join(',')
  const named = new Set(list.split(',').map(name => name.trim()))
  const rows = await loadEngines(list)
  const result: EngineRow[] = []
  for (const row of rows) {
    const { name, engine, level } = row
    if (level !== undefined) throw invalid(`${engine} is a package: it has no ledger, and so no place on the map. Leave it out of --engine`)
    if (!builtInEngines.resolve(engine).durable)
      throw invalid(`The engine ${engine} keeps nothing on disk: it has no place on the map. Leave it out of --engine`)
    if (!named.has(engine) && named.has(name)) result.push(row)
    else if (!result.some(other => other.engine === engine && other.name === engine)) result.push({ ...row, name: engine })
  }
  return result
}

/** Whether a variant that the user named has the option: `lsm-tiered` is tiered. */
function isFixed({ name, engine, options }: EngineRow, { option }: Dimension): boolean {
  return name !== engine && Object.hasOwn(options, option)
}

function chosenDimensions({ vary, file }: GridRequest, rows: readonly EngineRow[]): readonly Dimension[] {
  const engines = [...new Set(rows.map(row => row.engine))]
  const isMapped = ({ engine }: Dimension): boolean => engines.includes(engine)
  if (file !== undefined && vary !== undefined) throw invalid('--grid and --vary both say what varies: give one of them')
  if (file !== undefined) {
    return Object.entries(readGrid(file)).flatMap(([engine, options]) =>
      Object.entries(options).map(([option, values]) => ownDimension(engine, option, values, `${file.path}: ${engine}.${option}`)),
    )
  }
  if (vary === undefined) return DIMENSIONS.filter(dimension => isMapped(dimension) && dimension.values.length > 0)
  return vary.flatMap(text => {
    const [, option, list] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (option === undefined) throw invalid(`--vary takes NAME=VALUE,VALUE, not "${text}"`)
    const takers = engines.filter(engine => knownOptions(engine).includes(option))
    if (takers.length === 0) throw invalid(unknownOption(`--vary ${option}`, option, engines))
    return takers.map(engine => ownDimension(engine, option, list.split(','), `--vary ${option}`))
  })
}

/** @param where - Begins messages. */
function ownDimension(engine: string, option: string, values: readonly Value[], where: string): Dimension {
  const known = DIMENSIONS.find(dimension => dimension.engine === engine && dimension.option === option)
  const spec = optionsOf(engine)[option]
  const parsed = values.map((value): Value => {
    if (option === BUFFER_SHARE) return shareOf(value, where)
    const own = typeof value === 'string' ? parseValue(spec, value, where) : value
    try {
      resolveOptions({ [option]: spec }, { [option]: own })
    } catch (error) {
      throw error instanceof MisuseError ? invalid(`${where}: ${error.message}`) : error
    }
    return own
  })
  if (new Set(parsed).size < parsed.length) throw invalid(`${where} has the same value twice: ${parsed.join(', ')}`)
  return { engine, option, tag: `${option}-`, ...known, values: parsed }
}

function shareOf(value: Value, where: string): number {
  const share = Number(value)
  if (Number.isFinite(share) && share > 0 && share < 100) return share
  throw invalid(`${where} takes percents of the memory, more than 0 and less than 100; not "${value}"`)
}

type GridFile = Readonly<Record<string, Readonly<Record<string, readonly Value[]>>>>

function readGrid({ path, json }: NonNullable<GridRequest['file']>): GridFile {
  let grid: unknown
  try {
    grid = JSON.parse(json)
  } catch (error) {
    throw invalid(`${path} is not JSON: ${(error as Error).message}`)
  }
  const shape = 'an object of engines, each with options and lists of their values, such as {"lsm": {"fanOut": [4, 8]}}'
  const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isRecord(grid) || Object.keys(grid).length === 0) throw invalid(`${path} must hold ${shape}`)
  for (const [engine, options] of Object.entries(grid)) {
    if (builtInEngines.find(engine) === undefined) {
      const known = builtInEngines.factories.map(factory => factory.name)
      throw invalid(`${path}: there is no engine "${engine}". Known engines: ${known.join(', ')}`)
    }
    if (!isRecord(options)) throw invalid(`${path}: "${engine}" must have an object of options; the file holds ${shape}`)
    for (const [option, values] of Object.entries(options)) {
      if (!knownOptions(engine).includes(option)) throw invalid(unknownOption(`${path}: ${engine}.${option}`, option, [engine]))
      if (!Array.isArray(values) || values.length === 0 || values.some(value => !['string', 'number', 'boolean'].includes(typeof value)))
        throw invalid(`${path}: ${engine}.${option} must be a list of at least one value`)
    }
  }
  return grid as GridFile
}

function unknownOption(where: string, option: string, engines: readonly string[]): string {
  const names = [...new Set(engines.flatMap(knownOptions))].sort()
  const nearest = nearestName(option, names)
  const hint = nearest === undefined ? `Options: ${names.join(', ')}` : `Did you mean ${nearest}?`
  return `${where}: ${engines.join(', ')} ${engines.length === 1 ? 'has' : 'have'} no such option. ${hint}`
}

function knownOptions(engine: string): string[] {
  const options = Object.keys(optionsOf(engine))
  return options.includes('writeBufferSize') && options.includes('cacheSize') ? [...options, BUFFER_SHARE] : options
}

function optionsOf(engine: string): OptionTable {
  return builtInEngines.resolve(engine).options
}

interface Combination {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  readonly share: number | undefined
}

/** Every combination of values; a dimension that does not matter for one is passed over. */
function combinations(dimensions: readonly Dimension[], fixed: Readonly<Record<string, unknown>>): Combination[] {
  let all: Combination[] = [{ name: '', options: fixed, share: undefined }]
  for (const { option, values, tag, when, also } of dimensions) {
    all = all.flatMap(({ name, options, share }) => {
      if (when?.(options) === false) return [{ name, options, share }]
      return values.map(value => {
        const longer = `${name}-${tag}${nameOf(value)}`
        if (option === BUFFER_SHARE) return { name: longer, options, share: Number(value) }
        return { name: longer, options: { ...options, ...also?.(value), [option]: value }, share }
      })
    })
  }
  return all
}

/** For directories and columns. */
function nameOf(value: Value): string {
  const text = typeof value === 'number' && value >= 1024 ? exactBytes(value).replace(/ ([KMG])iB/, '$1') : String(value)
  return text.replaceAll(/[^\w.-]/g, '-')
}

/** A point with its part of the memory. */
function pointOf(
  row: EngineRow,
  suffix: string,
  options: Record<string, unknown>,
  share: number = DEFAULT_SHARE,
  { memoryBytes, entries }: { readonly memoryBytes: number; readonly entries: number },
): EngineRow {
  const table = optionsOf(row.engine)
  const filterSpec = table['filterBitsPerKey']
  const filterBits = options['filterBitsPerKey'] ?? (filterSpec?.type === 'integer' ? filterSpec.default : 0)
  const filters = Math.ceil((entries * Number(filterBits)) / 8)
  const hasBuffer = Object.hasOwn(table, 'writeBufferSize')
  const buffer = hasBuffer ? bufferOf(memoryBytes, share) : 0
  const sizes = {
    ...(hasBuffer && { writeBufferSize: buffer }),
    ...(Object.hasOwn(table, 'cacheSize') && { cacheSize: Math.max(0, memoryBytes - buffer - filters) }),
  }
  const all = { ...sizes, ...options }
  return { ...row, name: `${row.name}${suffix}`, options: all, scaled: row.scaled.filter(name => !Object.hasOwn(all, name)) }
}

/** What the default engine has for its write buffer and its cache. */
function defaultMemory(scale: number): number {
  const { writeBufferSize, cacheSize } = builtInEngines.resolve().options
  const bytes = [writeBufferSize, cacheSize].reduce((sum, spec) => sum + (spec?.type === 'integer' ? spec.default : 0), 0)
  return Math.round(bytes * scale)
}

function invalid(message: string): MisuseError {
  return new MisuseError('LEVEL_INVALID_OPTION', message)
}
