/**
 * Checks a whole store: the tree in force and every one that is held, page by page, and that each unit of the data file is in exactly one
 * place. No checkpoint runs meanwhile; writes go on, into pages of their own.
 */
import type { Violation } from '../engine/contract.js'
import type { Background } from './checkpoint/scheduler.js'
import { PageCheck } from './check-pages.js'
import type { HeldRoot } from './pages/held-roots.js'
import type { Page } from './pages/page.js'
import type { BtreeParts } from './parts.js'

/** `busy` is the end of the long batch that is being applied: while there is one, the pages are not those of the tree that readers see. */
export async function* checkParts(
  parts: BtreeParts,
  background: Background,
  busy: () => Promise<void> | undefined,
): AsyncGenerator<Violation> {
  const { store, file, context } = parts
  const check = new PageCheck(store, file, () => context.environment.scheduler.turn())
  // Nothing is shown before the walk is over: whoever looks may wait for a write that waits for a checkpoint.
  await background.paused(async () => {
    while (busy() !== undefined) await busy()
    await walk(parts, check)
  })
  yield* check.violations
}

async function walk({ tree, file, free, checkpointer, dropped }: BtreeParts, check: PageCheck): Promise<void> {
  const current = tree.held.hold(tree.root, true)
  const held: readonly HeldRoot[] = [...tree.held.held]
  for (const each of held) tree.held.holdAgain(each, true)
  try {
    const used = free.clone()
    const levels = tree.levels.clone()
    const dead = held.flatMap(each => [...each.dead])
    const { meta } = checkpointer
    for (let unit = 0; unit < file.firstUnit; unit++) check.claimed.set(unit, 'the meta pages')
    if (meta.freeList.units > 0) check.claim(meta.freeList.offset, meta.freeList.units, 'btree / free list')
    for (const each of [...held].reverse()) {
      const name = each === current ? 'btree' : `btree / held root ${each.generation}`
      await check.walk(each.root, name)
      if (each === current && !dropped.isBehind(dead) && !check.isIncomplete) checkLevels(check, levels)
    }
    claimDead(check, dead)
    const isBehind = dropped.isBehind(dead) || check.isIncomplete
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
    for (const each of held) tree.held.release(each, true)
    tree.held.release(current, true)
  }
}

/** A page may wait longer than it need: when it was born is not always known. */
function claimDead(check: PageCheck, dead: readonly Page[]): void {
  for (const page of dead) {
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
