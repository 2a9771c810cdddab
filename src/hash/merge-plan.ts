/**
 * Which files a merge takes: neighbours by age, so that the file that takes their place has a place among the others. Pure.
 *
 * Invariant: neighbours are merged as long as what is live of them fits one file. A file alone is only worth it where much of it is dead.
 */
/** A file with a larger dead share than this is worth merging once a merge is due; so are neighbours that are small. */
const WORTH_DEAD_SHARE = 1 / 4
const SMALL_SHARE = 1 / 4
/** More small files than this are merged even if nothing of them is dead. */
const MOST_SMALL_FILES = 16
/** Where a merged file ends at the latest: offsets have 32 bits. */
const MOST_MERGED_BYTES = 3 * 2 ** 30

/** What a plan needs to know of a sealed file. */
export interface MergeInput {
  readonly bytes: number
  /** Keys and values of the puts in it that are the newest versions. */
  readonly liveBytes: number
  /** The share of its puts that is the newest version of a key, by bytes. */
  readonly liveShare: number
  readonly tombstones: { readonly count: number }
  /** When the first of its entries expires, in milliseconds since the Unix epoch; 0 if none does. */
  readonly firstExpiry: number
}

export interface MergeSpace {
  readonly deadBytes: number
  readonly totalBytes: number
}

/** Bytes of a file that nothing needs, by the share of its puts that are not the newest ones. */
export function deadBytesOf(file: Pick<MergeInput, 'bytes' | 'liveShare'>): number {
  return file.bytes * (1 - file.liveShare)
}

export function spaceOf(files: readonly MergeInput[]): MergeSpace {
  let deadBytes = 0
  let totalBytes = 0
  for (const file of files) {
    deadBytes += deadBytesOf(file)
    totalBytes += file.bytes
  }
  return { deadBytes, totalBytes }
}

/** Why files are to be merged, or `undefined`. `leastBytes` dead bytes are worth it at least. */
export function whyDue(files: readonly MergeInput[], threshold: number, leastBytes: number, maxFileSize: number): string | undefined {
  const { deadBytes, totalBytes } = spaceOf(files)
  if (deadBytes >= leastBytes && deadBytes * 100 >= totalBytes * threshold)
    return `${Math.round((100 * deadBytes) / totalBytes)} % of the files is dead`
  const small = files.filter(file => file.bytes < maxFileSize * SMALL_SHARE).length
  return small > MOST_SMALL_FILES ? `there are ${small} small files` : undefined
}

/**
 * Runs of neighbours to merge, the oldest first, each into one file. With `expiryHorizon`: every file that is not as compact as can be; what
 * expires by then counts as dead.
 */
export function planMerges<File extends MergeInput>(files: readonly File[], maxFileSize: number, expiryHorizon?: number): File[][] {
  const runs: File[][] = []
  let run: File[] = []
  let liveBytes = 0
  const end = (): void => {
    if (run.length > 1 || (run.length === 1 && isWorthIt(run[0], expiryHorizon))) runs.push(run)
    run = []
    liveBytes = 0
  }
  for (const file of files) {
    const isWanted = expiryHorizon !== undefined || isWorthIt(file) || file.bytes < maxFileSize * SMALL_SHARE
    const most = run.length === 0 ? MOST_MERGED_BYTES : maxFileSize
    if (!isWanted || liveBytes + file.liveBytes > most) end()
    if (!isWanted) continue
    run.push(file)
    liveBytes += file.liveBytes
  }
  end()
  return runs
}

function isWorthIt(file: MergeInput, expiryHorizon?: number): boolean {
  const deadShare = 1 - file.liveShare
  if (expiryHorizon === undefined) return deadShare > WORTH_DEAD_SHARE
  return deadShare > 0 || file.tombstones.count > 0 || (file.firstExpiry > 0 && file.firstExpiry <= expiryHorizon)
}
