import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Installs the peers from the lockfile if one is missing. */
export function installPeers(root: string): void {
  const peers = join(root, 'bench/peers')
  if (['classic-level', 'lmdb', 'memory-level'].every(name => existsSync(join(peers, 'node_modules', name)))) return
  process.stderr.write('installing the peers\n')
  npm(['ci', '--prefix', peers])
}

/** better-sqlite3 has no binary in its package: `npm run bench:peers:sqlite` builds it. */
export function hasSqlite(root: string): boolean {
  return existsSync(join(root, 'bench/peers/node_modules/better-sqlite3/build/Release/better_sqlite3.node'))
}

function npm(command: readonly string[]): void {
  const stdio = ['ignore', 'ignore', 'inherit'] as const
  const program = process.env.npm_execpath
  if (program === undefined) execFileSync('npm', command, { stdio: [...stdio] })
  else execFileSync(process.execPath, [program, ...command], { stdio: [...stdio] })
}
