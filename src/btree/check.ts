/**
 * Checks a whole store: every live version of the tree, page by page, and that each unit of the data file is in exactly one place. No
 * checkpoint runs meanwhile; writes go on, into pages of their own.
 */
import type { Violation } from '../engine/contract.js'
import type { CheckpointScheduler } from './checkpoint/scheduler.js'
import { PageCheck } from './check-pages.js'
import type { LiveVersion } from './pages/live-versions.js'
import type { LeftPage } from './pages/former-page.js'
import type { BtreeParts } from './parts.js'

/** `busy` resolves when the long batch that is being applied ends: until then the pages are not those of the tree that readers see. */
export async function* checkParts(
  parts: BtreeParts,
  scheduler: CheckpointScheduler,
  busy: () => Promise<void> | undefined,
): AsyncGenerator<Violation> {
  const { store, file, context } = parts
  const check = new PageCheck(store, file, () => context.environment.scheduler.turn())
  // Violations are yielded after the walk: the caller may wait for a write that waits for a checkpoint.
  for (let isDone = false; !isDone;) {
    for (let long = busy(); long !== undefined; long = busy()) await long
    // The long write may be an ingest, which waits for a checkpoint.
    await scheduler.paused(async () => {
      if (busy() !== undefined) return
      await walk(parts, check)
      isDone = true
    })
  }
  yield* check.violations
}

async function walk({ tree, file, free, checkpointer, dropped }: BtreeParts, check: PageCheck): Promise<void> {
  const current = tree.versions.hold(tree.root, true)
  const versions: readonly LiveVersion[] = [...tree.versions.live]
  for (const each of versions) tree.versions.retain(each, true)
  try {
    const used = free.clone()
    const levels = tree.levels.clone()
    const unborn = [...(checkpointer.unborn?.pairs ?? [])]
    const pending = versions.flatMap(each => [...each.pendingFree])
    const { meta } = checkpointer
    for (let unit = 0; unit < file.firstUnit; unit++) check.claimed.set(unit, 'the meta pages')
    if (meta.freeList.units > 0) check.claim(meta.freeList.offset, meta.freeList.units, 'btree / free list')
    for (const each of [...versions].reverse()) {
      const name = each === current ? 'btree' : `btree / held root ${each.generation}`
      await check.walk(each.root, name)
      if (each === current && !dropped.isBehind(pending) && !check.isIncomplete) checkLevels(check, levels)
    }
    claimPending(check, pending)
    for (let i = 0; i < unborn.length; i += 2) check.claim(unborn[i], unborn[i + 1], 'btree / pages of an ingest')
    const isBehind = dropped.isBehind(pending) || check.isIncomplete
    for (let unit = file.firstUnit; unit < used.end; unit++) {
      const claimant = check.claimed.get(unit)
      if (claimant !== undefined && !used.isUsed(unit)) check.report(claimant, `unit ${unit} of the data file counts as free`)
      if (claimant === undefined && used.isUsed(unit) && !isBehind) {
        check.report('btree / free space', `unit ${unit} of the data file counts as used, but nothing is there`)
      }
    }
    for (const [unit, claimant] of check.claimed) {
      if (unit >= used.end && unit >= file.firstUnit) check.report(claimant, `unit ${unit} lies behind the end of the data file`)
    }
    if (tree.root.liveBytes < 0 || tree.root.entries < 0) check.report('btree', 'counts are negative')
  } finally {
    for (const each of versions) tree.versions.release(each, true)
    tree.versions.release(current, true)
  }
}

/** A page may be pending longer than necessary: its generation is not always known. */
function claimPending(check: PageCheck, pending: readonly LeftPage[]): void {
  for (const page of pending) {
    const extents = [...(page.offset > 0 ? [page.offset, page.units] : []), ...(page.extents ?? [])]
    for (let i = 0; i < extents.length; i += 2) {
      if (!check.hasWalked(extents[i])) check.claim(extents[i], extents[i + 1], 'btree / pages that left the tree')
    }
  }
}

function checkLevels(check: PageCheck, levels: { readonly pages: readonly number[]; readonly units: readonly number[] }): void {
  for (const what of ['pages', 'units'] as const) {
    for (let level = 0; level < Math.max(levels[what].length, check[what].length); level++) {
      const counted = levels[what][level] ?? 0
      const found = check[what][level] ?? 0
      if (counted !== found) check.report(`btree / level ${level}`, `${counted} ${what} are counted, ${found} are there`)
    }
  }
}
