/** `kvarium/explore`: shows a running program in the explorer. It needs Node. */
export { explorerTrace } from './explorer-trace.js'
export type { ExplorerTraceOptions } from './explorer-trace.js'
export { ExplorerFeed } from './explorer-feed.js'
export type { ExplorerFeedOptions } from './explorer-feed.js'
export { announce } from './announcement.js'
