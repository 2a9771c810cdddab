/** The engines that `kvarium compare` knows: the variants of every registered one, with the options it runs them with. */
import type { EngineVariant, OptionTable } from 'kvarium/engine'
import { MisuseError, builtInEngines } from 'kvarium'
import { HOW_TO_REGISTER, nearestName, resolveOptions } from 'kvarium/engine'
import { LEVEL_PREFIX, loadLevel, type LevelClass } from './level-store.js'
import { isModulePath, loadEngine } from './own-modules.js'
import type { EngineConfiguration } from './results.js'

export interface EngineRow extends EngineVariant {
  /** As the registry knows it, or the name of the package. */
  readonly engine: string
  /** The class of an abstract-level database, for one that is no engine of kvarium. */
  readonly level?: LevelClass
}

/** The dataset for which the engines' default sizes are kept. */
const FULL_SIZE_BYTES = 512 * 2 ** 20
const SMALLEST_SCALE = 2 ** -10

/** In the order of the registration, with what is registered by now. */
function knownRows(): EngineRow[] {
  return builtInEngines.factories.flatMap(({ name, variants = [{ name, options: {}, scaled: [] }] }) =>
    variants.map(variant => ({ ...variant, engine: name })),
  )
}

export function engineNames(): string[] {
  return knownRows().map(row => row.name)
}

/**
 * The rows of a comma-separated list that may also name files, such as `./array-engine.ts`, and packages, such as `level:classic-level`.
 * The engines of files are registered.
 * @throws MisuseError that says what is wrong with a name, a file or a package.
 */
export async function loadEngines(list: string | undefined): Promise<readonly EngineRow[]> {
  if (list === undefined) return chooseEngines(undefined)
  const rows: EngineRow[] = []
  for (const item of list.split(',').map(text => text.trim())) {
    if (item.startsWith(LEVEL_PREFIX)) rows.push(await levelRow(item.slice(LEVEL_PREFIX.length)))
    else if (isModulePath(item)) rows.push(...(await registeredRows(item)))
    else rows.push(...chooseEngines(item))
  }
  return rows.filter((row, index) => rows.findIndex(({ name }) => name === row.name) === index)
}

async function registeredRows(path: string): Promise<readonly EngineRow[]> {
  const factory = await loadEngine(path)
  const known = builtInEngines.find(factory.name)
  if (known !== undefined && known !== factory) {
    throw new MisuseError('LEVEL_INVALID_OPTION', `${path}: its engine is called "${factory.name}", as one that is there: rename it`)
  }
  builtInEngines.register(factory)
  return chooseEngines(factory.name)
}

async function levelRow(engine: string): Promise<EngineRow> {
  const level = await loadLevel(engine)
  return { name: engine.replaceAll(/[^\w.-]/g, '-').replace(/^-/, ''), engine, level, options: {}, scaled: [] }
}

/** The rows of a comma-separated list: by their names, or by the name of an engine for all of its rows. */
export function chooseEngines(list: string | undefined): readonly EngineRow[] {
  const known = knownRows()
  if (list === undefined) return known
  const chosen = list.split(',').flatMap(item => {
    const name = item.trim()
    const rows = known.filter(row => row.name === name || row.engine === name)
    if (rows.length > 0) return rows
    const nearest = nearestName(name, [...engineNames(), ...known.map(row => row.engine)])
    const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
    throw new MisuseError(
      'LEVEL_INVALID_OPTION',
      `There is no engine "${name}".${hint} Known engines: ${engineNames().join(', ')}. ${HOW_TO_REGISTER}`,
    )
  })
  return [...new Set(chosen)]
}

/**
 * The configurations to compare: options from the table, sizes scaled to the dataset, and what the user set on top.
 * @param scale - See `scaleFor`.
 * @param settings - `NAME=VALUE` each; a setting goes to every engine that has such an option, but to none that lacks the value if another has it.
 * @throws MisuseError when a setting is malformed or not allowed.
 */
export function configureEngines(rows: readonly EngineRow[], scale: number, settings: readonly string[]): EngineConfiguration[] {
  const own = settings.map(setting => settingOfPeer(setting, rows)).filter(setting => setting !== undefined)
  const shared = settings.filter(setting => settingOfPeer(setting, rows) === undefined)
  const tables = rows.map(row => (row.level === undefined ? builtInEngines.resolve(row.engine).options : {}))
  const given = shared.map(setting => parseSetting(setting, tables))
  return rows.map(({ name, engine, level, options: fixed, scaled }, index) => {
    const table = tables[index]
    if (level !== undefined) return { name, engine, level, options: { ...equalTerms(scale), ...optionsOf(name, own) } }
    const options = {
      ...fixed,
      ...scaledSizes(table, scaled, scale),
      ...Object.fromEntries(given.filter(setting => isFor(table, setting, tables))),
    }
    resolveOptions(table, options)
    return { name, engine, options }
  })
}

/** Whether the engine of a table gets a setting. One that no engine takes goes to all that have the option: they say what is allowed. */
function isFor(table: OptionTable, setting: readonly [string, unknown], tables: readonly OptionTable[]): boolean {
  return Object.hasOwn(table, setting[0]) && (takes(table, setting) || !tables.some(other => takes(other, setting)))
}

function takes(table: OptionTable, [option, value]: readonly [string, unknown]): boolean {
  if (!Object.hasOwn(table, option)) return false
  try {
    resolveOptions({ [option]: table[option] }, { [option]: value })
    return true
  } catch {
    return false
  }
}

/** The power of two, from 1/1024 to 1, by which sizes shrink for a dataset of the given size. */
export function scaleFor(datasetBytes: number): number {
  return Math.min(1, Math.max(SMALLEST_SCALE, 2 ** Math.ceil(Math.log2(datasetBytes / FULL_SIZE_BYTES))))
}

function scaledSizes(table: OptionTable, names: readonly string[], scale: number): Record<string, number> {
  const sizes: Record<string, number> = {}
  if (scale === 1) return sizes
  for (const name of names) {
    const spec = table[name]
    if (spec?.type === 'integer') sizes[name] = Math.max(spec.min, Math.round(spec.default * scale))
  }
  return sizes
}

/** What a package of LevelDB calls as the default engine does: so both have the same sizes, and neither compresses. Other packages ignore it. */
function equalTerms(scale: number): Record<string, unknown> {
  return { ...scaledSizes(builtInEngines.resolve().options, ['cacheSize', 'writeBufferSize'], scale), compression: false }
}

interface SettingOfPeer {
  readonly peer: string
  readonly option: string
  readonly value: unknown
}

/** `classic-level.blockSize=16KiB`: a package has no table of options, so its settings name it. */
function settingOfPeer(setting: string, rows: readonly EngineRow[]): SettingOfPeer | undefined {
  const peer = rows.find(({ name, level }) => level !== undefined && setting.startsWith(`${name}.`))?.name
  const [, option, text] = peer === undefined ? [] : (/^(\w+)=(.*)$/.exec(setting.slice(peer.length + 1)) ?? [])
  if (peer === undefined || option === undefined) return undefined
  return { peer, option, value: text === 'true' || text === 'false' ? text === 'true' : (wholeWithUnit(text) ?? text) }
}

function optionsOf(name: string, settings: readonly SettingOfPeer[]): Record<string, unknown> {
  return Object.fromEntries(settings.filter(({ peer }) => peer === name).map(({ option, value }) => [option, value]))
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

function parseSetting(setting: string, tables: readonly OptionTable[]): readonly [string, unknown] {
  const [, name, text] = /^([^=]+)=(.*)$/.exec(setting) ?? []
  if (name === undefined) throw new MisuseError('LEVEL_INVALID_OPTION', `--set takes NAME=VALUE, not "${setting}"`)
  const spec = tables.find(table => Object.hasOwn(table, name))?.[name]
  if (spec === undefined) {
    const names = [...new Set(tables.flatMap(table => Object.keys(table)))].sort()
    const nearest = nearestName(name, names)
    const hint = nearest === undefined ? `Their options: ${names.join(', ') || 'none'}` : `Did you mean ${nearest}?`
    throw new MisuseError('LEVEL_INVALID_OPTION', `None of the engines has an option "${name}". ${hint}`)
  }
  return [name, parseValue(spec, text, `--set ${name}`)]
}

/**
 * The value of an option in a text.
 * @param where - Begins messages.
 */
export function parseValue(spec: OptionTable[string], text: string, where: string): string | number | boolean {
  if (spec.type === 'integer') {
    const value = spec.auto === true && text === 'auto' ? text : wholeWithUnit(text)
    if (value === undefined) {
      const auto = spec.auto === true ? ', or auto' : ''
      throw new MisuseError('LEVEL_INVALID_OPTION', `${where} takes a whole number, also with KiB, MiB or GiB${auto}; not "${text}"`)
    }
    return value
  }
  if (spec.type === 'boolean') {
    if (text !== 'true' && text !== 'false') throw new MisuseError('LEVEL_INVALID_OPTION', `${where} takes true or false, not "${text}"`)
    return text === 'true'
  }
  return text
}

/** A whole number, perhaps with a unit such as `16KiB`. */
export function wholeWithUnit(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * UNITS[unit.toLowerCase()]
}
