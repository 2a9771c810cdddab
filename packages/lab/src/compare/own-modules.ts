/** Modules of the user's own: files that export an engine or a workload. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EngineRegistry, type EngineFactory } from 'kvarium/engine'
import { MisuseError } from 'kvarium'

/** Whether a word of the command line is a file, not a name. */
export function isModulePath(word: string): boolean {
  return isAbsolute(word) || /^\.{1,2}[/\\]/.test(word) || /\.[cm]?[jt]s$/.test(word)
}

/**
 * The engine that a file exports: its default export, or the only export that is an engine.
 * @throws MisuseError that says what is wrong with the file.
 */
export async function loadEngine(path: string): Promise<EngineFactory> {
  const factory = await chosenExport<EngineFactory>(path, ENGINE)
  try {
    new EngineRegistry([factory])
  } catch (error) {
    throw error instanceof MisuseError ? new MisuseError(error.code, `${path}: ${error.message}`) : error
  }
  return factory
}

/** What a file must export. */
export interface ExportKind {
  /** `engine`. */
  readonly what: string
  readonly isOne: (value: unknown) => boolean
  readonly must: string
}

const ENGINE: ExportKind = {
  what: 'engine',
  isOne: value => isObject(value) && typeof value.open === 'function',
  must: 'an EngineFactory (a type of kvarium-lab/compare) with "name", "durable", "options" and "open"',
}

/**
 * The default export of a file if it is of the kind, or else its only export that is.
 * @throws MisuseError that says what is wrong with the file.
 */
export async function chosenExport<T>(path: string, { what, isOne, must }: ExportKind): Promise<T> {
  const module = await importFile(path)
  const names = Object.keys(module)
  const found = isOne(module.default) ? ['default'] : names.filter(name => isOne(module[name]))
  if (found.length === 1) return module[found[0]] as T
  const has = names.length === 0 ? 'It exports nothing' : `It exports ${names.join(', ')}`
  if (found.length === 0) throw wrong(path, `it exports no ${what}. It must export ${must}, as default or by a name. ${has}`)
  throw wrong(path, `it exports several ${what}s (${found.join(', ')}): export the one to use as default`)
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** An error that begins with the path. */
export function wrong(path: string, message: string): MisuseError {
  return new MisuseError('LEVEL_INVALID_OPTION', `${path}: ${message}`)
}

/** Modules that were imported, by path: an engine and a workload may share a file. */
async function importFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  const file = resolve(path)
  if (!existsSync(file)) throw wrong(path, 'there is no such file')
  const { href } = pathToFileURL(file)
  let stop: () => Promise<void>
  try {
    return (await import(/* @vite-ignore */ href)) as Readonly<Record<string, unknown>>
  } catch (error) {
    const lack = lackOfTypeScript(error)
    if (lack === undefined) throw failed(path, error)
    stop = await registerTsx(path, file, lack)
  }
  try {
    // Another address: the failure of the first one is remembered.
    return (await import(/* @vite-ignore */ `${href}?tsx`)) as Readonly<Record<string, unknown>>
  } catch (error) {
    throw failed(path, error)
  } finally {
    await stop()
  }
}

/** What Node itself cannot do with TypeScript in the file or in one that it imports, and what to do without tsx; `undefined` for other errors. */
export function lackOfTypeScript(error: unknown): string | undefined {
  const { code, message = '' } = error as { readonly code?: unknown; readonly message?: string }
  const compile = 'Install tsx beside the file (npm install --save-dev tsx), or compile it to JavaScript'
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /"\.[cm]?ts"/.test(message)) {
    return `Node ${process.version} does not read TypeScript. ${compile}, or use Node 22.18 or later`
  }
  // Node 22.18 and later erase types; they compile no enums, and nothing in node_modules.
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' || code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') {
    return `Node ${process.version} cannot read this TypeScript (${message.trim()}). ${compile}`
  }
  return undefined
}

function failed(path: string, error: unknown): MisuseError {
  return wrong(path, `it cannot be imported: ${error instanceof Error ? error.message : String(error)}`)
}

interface TsxApi {
  register(options: { readonly tsconfig: false }): () => Promise<void>
}

/** Has tsx read TypeScript: from the folder of the file, from the current one or from beside this package. */
async function registerTsx(path: string, file: string, lack: string): Promise<() => Promise<void>> {
  for (const place of [dirname(file), process.cwd(), import.meta.dirname]) {
    let manifest: string
    try {
      manifest = createRequire(join(place, 'package.json')).resolve('tsx/package.json')
    } catch {
      continue
    }
    // What `import 'tsx/esm/api'` gives; the one for `require` cannot be imported.
    const api = join(dirname(manifest), 'dist/esm/api/index.mjs')
    const { register } = (await import(/* @vite-ignore */ pathToFileURL(api).href)) as TsxApi
    // Without the paths of a tsconfig.json: they could lead to a second copy of kvarium.
    return register({ tsconfig: false })
  }
  throw wrong(path, lack)
}
