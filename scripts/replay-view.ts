import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

const ROOT = join(import.meta.dirname, '..')
const VIEW = join(ROOT, 'packages/lab/src/replay/replay-view.ts')

/** The parts of the store are its sources. */
const SOURCES: Plugin = {
  name: 'sources',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^kvarium\/\w+$/ }, ({ path }) => ({ path: join(ROOT, path.replace('kvarium', 'src'), 'index.ts') })),
}

/** The script of the page that replays a run, with all its imports. */
export async function bundleReplayView(): Promise<string> {
  const result = await build({
    entryPoints: [VIEW],
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    legalComments: 'none',
    plugins: [SOURCES],
  })
  return result.outputFiles[0].text
}
