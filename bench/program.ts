import { cpSync, existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

/** The program of the child processes. */
export interface Program {
  readonly child: string
  /** Kvarium's build. */
  readonly dist: string
}

export interface ProgramParts {
  readonly root: string
  /** The directory of the bundled program. */
  readonly directory: string
  /** Its source, below the root. */
  readonly child: string
  readonly needsBuild: boolean
}

/**
 * Bundles the program of the child processes, and copies the build, so that a new build meanwhile does not change what is measured.
 * @throws TypeError when kvarium is needed and not built.
 */
export async function prepareProgram({ root, directory, child, needsBuild }: ProgramParts): Promise<Program> {
  const dist = join(root, 'dist')
  if (needsBuild) {
    if (!existsSync(join(dist, 'index.js'))) throw new TypeError('kvarium is not built: run `npm run build` first')
    cpSync(dist, join(directory, 'dist'), { recursive: true })
  }
  const outfile = join(directory, basename(child).replace(/\.ts$/, '.mjs'))
  // Packages stay external: a bundle of CommonJS packages could not load Node's modules.
  const options = { bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'warning' } as const
  await build({ entryPoints: [join(root, child)], outfile, ...options })
  return { child: outfile, dist: join(directory, 'dist') }
}
