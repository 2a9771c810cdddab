/** The two extremes of compaction policies, as pickers for the real engine. */
import type { Compaction } from '../../src/lsm/compaction/compaction.js'
import type { CompactionPicker } from '../../src/lsm/compaction/pickers/compaction-picker.js'
import type { Version } from '../../src/lsm/versions/version.js'

/** Leaves every flushed table where it is. */
export const NEVER: CompactionPicker = {
  name: 'never',
  pick: () => undefined,
  pickRange: () => undefined,
  scores: version => version.levels.map(() => 0),
}

/** Merges all there is into one run, whenever there is more than one. */
export const ALWAYS: CompactionPicker = {
  name: 'always',
  pick: version => (runsOf(version) > 1 ? mergeOfAll(version) : undefined),
  pickRange: version => (runsOf(version) > 0 ? mergeOfAll(version) : undefined),
  scores: version => version.levels.map(level => level.length / 2),
}

function mergeOfAll(version: Version): Compaction {
  const inputs = version.levels.flatMap(level => level.map(run => run.tables.map(file => file.meta)))
  return { reason: 'too many runs', score: runsOf(version) / 2, inputs, outputLevel: 1, outputRun: 'new', move: false, drop: false }
}

function runsOf({ levels }: Version): number {
  return levels.reduce((sum, level) => sum + level.length, 0)
}
