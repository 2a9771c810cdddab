/** What engines say about the settings of a lane. */
import type { LaneSettings } from '../run/settings.js'
import { resolveOptions, type OptionTable } from 'kvarium/engine'
import type { MemoryFileSystem } from 'kvarium/vfs'
import { ENGINE_OPTIONS } from '../run/engines.js'
import { Lane } from '../run/lane.js'
import type { SettingProblem } from './protocol.js'

/** @param base - The files that the lane would begin with, if they are not new. */
export async function checkLane(settings: LaneSettings, base?: MemoryFileSystem): Promise<readonly SettingProblem[]> {
  const table: OptionTable = ENGINE_OPTIONS[settings.engine] ?? {}
  const problems = Object.entries(settings.options).flatMap(([option, value]): SettingProblem[] => {
    try {
      if (option in table) resolveOptions({ [option]: table[option] }, { [option]: value })
      return []
    } catch (error) {
      return [{ option, message: error instanceof Error ? error.message : String(error) }]
    }
  })
  if (problems.length > 0) return problems
  const lane = new Lane(settings, 1, () => undefined, base)
  const outcome = await lane.open()
  await lane.close()
  return outcome.status === 'failed' ? [{ message: outcome.text }] : []
}
