import { readFileSync } from 'node:fs'

/** Defined by `scripts/build.ts` in built files. */
declare const KVARIUM_BUILT: true | undefined

/** The script of the replay page. The build puts it beside the built file. */
export async function replayScript(): Promise<string> {
  if (typeof KVARIUM_BUILT !== 'undefined') return readFileSync(new URL('replay-view.js', import.meta.url), 'utf8')
  const { bundleReplayView } = await import('../../scripts/replay-view.js')
  return bundleReplayView()
}
