/** Programs for processes of their own: as one JavaScript file they start in a tenth of the time that tsx takes for their sources. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { buildSync, type BuildOptions } from 'esbuild'

/** Two levels below the root, as a program of `bench/suite/` is, which finds the root by that. */
const FOLDER = join(import.meta.dirname, '../../.tmp/programs')
// Without the compiler's paths, by which `kvarium` would be its source: a program that imports the package gets the built one.
const OPTIONS = { bundle: true, platform: 'node', format: 'esm', packages: 'external', tsconfigRaw: {}, logLevel: 'error' } as const

/** Bundles the TypeScript program at `path` and returns the path of its bundle. */
export function bundledProgram(path: string): string {
  return bundle(basename(path, '.ts'), { entryPoints: [path] })
}

/** Bundles a module that is a text; its relative imports start in `directory`. */
export function bundledText(contents: string, directory: string): string {
  return bundle(basename(directory), { stdin: { contents, resolveDir: directory, loader: 'ts' } })
}

/** Named after what is in it: processes that bundle the same program at once write the same file. */
function bundle(name: string, input: BuildOptions): string {
  const [{ contents, hash }] = buildSync({ ...OPTIONS, ...input, write: false }).outputFiles
  const file = join(FOLDER, `${name}-${hash.replace(/\W/g, '_')}.mjs`)
  if (existsSync(file)) return file
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(`${file}.${process.pid}`, contents)
  renameSync(`${file}.${process.pid}`, file)
  return file
}
