/**
 * Recovery: from the meta page and the logs that a clean close, a kill or a power loss left, the tree to go on with.
 *
 * Invariants:
 * 1. The newest valid meta page says which tree is in force, and from which log on replay begins: all logs from that one to the last one it
 *    names must exist. Replaying them changes nothing in the data file that this tree needs, so recovery can be interrupted and repeated.
 * 2. Replay needs no space on the disk: on a full disk, and when inspecting, changed pages stay in memory. log-start.ts makes the writes that a store needs
 *    before it takes writes; on a full disk an existing store opens without them, for reading.
 */
import type { Hash32 } from '../../codec/checksum.js'
import type { EngineContext } from '../../engine/contract.js'
import { parseLogName } from '../../engine/durable/log-names.js'
import { replayLogs, type ReplayedLogs } from '../../engine/durable/log-replay.js'
import type { Ledger } from '../../trace/ledger.js'
import { joinPath } from '../../vfs/file-system.js'
import { MeteredFileSystem } from '../../vfs/metered-file-system.js'
import { isOutOfSpace } from '../../vfs/vfs-error.js'
import { LOG_HEADER_BYTES } from '../../wal/format.js'
import type { Checkpointer } from '../checkpoint/checkpoint.js'
import type { BtreeOptions } from '../options.js'
import type { LiveVersions } from '../pages/live-versions.js'
import type { Meta } from '../pages/meta-page.js'
import type { PageStore } from '../pages/page-store.js'
import type { ReferenceFields } from '../pages/reference.js'
import type { Expiries } from '../tree/expiries.js'
import type { LeafSplit } from '../tree/split.js'
import { Tree } from '../tree/tree.js'
import { DeferredReplay } from './deferred-replay.js'
import { ReplayBuffer } from './replay-buffer.js'

/**
 * Replay sorts operations of up to this share of `writeBufferSize` at a time, and of at most `MOST_REPLAY_BYTES`. With the default options that
 * is more than a kill leaves (`MOST_LOG_BYTES` of write-controller.ts), so that all of it waits until the store is open.
 */
const REPLAY_SHARE = 3 / 8
const MOST_REPLAY_BYTES = 48 * 1024 * 1024
/** A shorter rest of a replay ends before the store is open. */
const LEAST_DEFERRED_BYTES = 1024 * 1024
/** Changed pages that replay leaves in memory, in multiples of `writeBufferSize`: as many as a session may have. */
const MOST_BUFFERS = 2

/** What a meta page says of its tree. */
export interface MetaOfTree extends Pick<Meta, 'height' | 'sequence' | 'pages' | 'units'> {
  readonly root: ReferenceFields
}

/** The tree that the meta page refers to. */
export function treeOnDisk(meta: MetaOfTree, store: PageStore, versions: LiveVersions, leafSplit?: LeafSplit, expiries?: Expiries): Tree {
  const { height, root, sequence, pages, units } = meta
  const page = height === 0 ? undefined : store.loaded(store.attach(height - 1, root))
  const tree = new Tree(store, versions, page, leafSplit, expiries)
  tree.sequence = sequence
  for (let level = 0; level < height; level++) tree.levels.change(level, pages[level], units[level])
  return tree
}

export interface ReplayOptions {
  readonly context: EngineContext
  readonly options: BtreeOptions
  readonly hash32: Hash32
  readonly meta: Meta
  readonly ledger: Ledger
  readonly tree: Tree
  readonly checkpointer: Checkpointer
}

export interface Replay {
  readonly logs: ReplayedLogs
  /** What is still to be applied, if that is much. */
  readonly deferred: DeferredReplay | undefined
}

/** Applies the logs that the meta page names to the tree. Writes pages out when they outgrow memory, as long as the disk has room. */
export async function replay({ context, options, hash32, meta, ledger, tree, checkpointer }: ReplayOptions): Promise<Replay> {
  const { environment, directory, trace } = context
  const meter = new MeteredFileSystem(environment.fileSystem)
  const { firstLog, lastLog, sequence, ends } = meta
  const { writeBufferSize } = options
  const buffer = new ReplayBuffer(tree, Math.min(MOST_REPLAY_BYTES, writeBufferSize * REPLAY_SHARE), logBytes(context, firstLog))
  const turn = (): Promise<void> => environment.scheduler.turn()
  let isInMemory = context.inspecting === true
  const afterSlice = async (): Promise<void> => {
    if (tree.store.dirtyBytes > MOST_BUFFERS * writeBufferSize && !isInMemory) {
      try {
        await checkpointer.writeOut()
      } catch (error) {
        if (!isOutOfSpace(error)) throw error
        isInMemory = true
      }
    }
    await turn()
  }
  const drain = (): Promise<void> => buffer.drain(afterSlice)
  const logs = await replayLogs({
    fileSystem: meter,
    directory,
    hash32,
    firstLog,
    durableHeaders: true,
    wholeLogs: ends,
    expected: Array.from({ length: Math.max(0, lastLog - firstLog + 1) }, (_, i) => firstLog + i),
    sequence,
    trace,
    apply: (reader, bytes) => buffer.add(reader, bytes),
    makeRoom: drain,
    turn,
  })
  const isDeferred = context.inspecting !== true && buffer.bytes > LEAST_DEFERRED_BYTES
  if (!isDeferred) await drain()
  ledger.read.open += meter.counts().total.bytesRead
  return { logs, deferred: isDeferred ? new DeferredReplay(tree, buffer, afterSlice) : undefined }
}

/** Length of the logs from one on. */
function logBytes({ environment, directory }: EngineContext, firstLog: number): number {
  const { fileSystem } = environment
  const names = fileSystem.list(directory).filter(name => (parseLogName(name) ?? 0) >= firstLog)
  return names.reduce((sum, name) => sum + (fileSystem.stat(joinPath(directory, name))?.size ?? 0), 0)
}

/** The logs that the store carries on, and their lengths once dropped records have been cut off. */
export function keptLogs({ logs, validBytes, keptBytes }: ReplayedLogs): ReadonlyMap<number, number> {
  return new Map(
    [...logs].map(([number, bytes]) => {
      const kept = keptBytes.get(number) ?? 0
      return [number, kept > 0 && kept === validBytes.get(number) ? bytes : Math.max(kept, LOG_HEADER_BYTES)]
    }),
  )
}
