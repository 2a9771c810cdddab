/** Stores of engines from files, and of abstract-level databases from installed packages, in the process that measures them. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LEVEL_PREFIX, loadLevel } from '../../packages/lab/src/compare/level-store.js'
import { loadEngine } from '../../packages/lab/src/compare/own-modules.js'
import type { Store } from '../peers/stores.js'

/** In `store` of an engine, before the path of its file. */
export const FILE_PREFIX = 'file:'

/** Folders whose packages `level:` finds: the current one, and that of the bench's own peers. */
export function levelPlaces(root: string): string[] {
  return [process.cwd(), join(root, 'bench/peers')]
}

export function isOwn(store: string): boolean {
  return store.startsWith(FILE_PREFIX) || store.startsWith(LEVEL_PREFIX)
}

/** The build of kvarium that the engine of a file imports: its store comes from the same one. */
export function distOf(store: string, dist: string): string {
  if (!store.startsWith(FILE_PREFIX)) return dist
  try {
    return dirname(createRequire(store.slice(FILE_PREFIX.length)).resolve('kvarium'))
  } catch {
    return dist
  }
}

export interface OwnStoreParts {
  readonly root: string
  /** The build of kvarium, by `distOf`. */
  readonly dist: string
  readonly directory: string
  readonly cacheBytes: number
  readonly options: Readonly<Record<string, unknown>>
}

type Constructor = new (directory: string, options: object) => Store

const VIEWS = { keyEncoding: 'view', valueEncoding: 'view' } as const

export async function openOwnStore(store: string, { root, dist, directory, cacheBytes, options }: OwnStoreParts): Promise<Store> {
  const db = store.startsWith(LEVEL_PREFIX)
    ? new ((await loadLevel(store.slice(LEVEL_PREFIX.length), levelPlaces(root))) as unknown as Constructor)(directory, {
        cacheSize: cacheBytes,
        ...options,
        ...VIEWS,
      })
    : new (await kvariumIn(dist))(directory, { engine: await loadEngine(store.slice(FILE_PREFIX.length)), ...options, ...VIEWS })
  await db.open()
  return db
}

async function kvariumIn(dist: string): Promise<Constructor> {
  const { Kvarium } = (await import(pathToFileURL(join(dist, 'index.js')).href)) as { Kvarium: Constructor }
  return Kvarium
}
