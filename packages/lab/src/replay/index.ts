/** `kvarium-lab/replay`: a run as a page that replays it. Not published: the examples and the explorer are built from it. */
export type { CallItem, EventItem, FoundFiles, Item, ReplayedRun } from './items.js'
export { replayPage } from './replay-page.js'
