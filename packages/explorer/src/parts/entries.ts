/** What a part may import: the entries of the store that starters, unit checks and references of the exercises import. */
import * as kvarium from 'kvarium'
import * as btree from 'kvarium/btree'
import * as engine from 'kvarium/engine'
import * as lsm from 'kvarium/lsm'
import * as sstable from 'kvarium/sstable'
import * as vfs from 'kvarium/vfs'
import * as wal from 'kvarium/wal'
import { PartError } from './part-settings.js'

type Entry = Readonly<Record<string, unknown>>

const ENTRIES: Readonly<Record<string, Entry>> = {
  kvarium,
  'kvarium/btree': btree,
  'kvarium/engine': engine,
  'kvarium/lsm': lsm,
  'kvarium/sstable': sstable,
  'kvarium/vfs': vfs,
  'kvarium/wal': wal,
}

/** An entry by its name. @throws PartError for any other module, and for a name that the entry does not export. */
export function importEntry(specifier: string): Entry {
  if (!Object.hasOwn(ENTRIES, specifier)) {
    const relative = specifier.startsWith('.') ? ' A part is one file: put what it needs into it.' : ''
    throw new PartError(`The part imports "${specifier}", which is not there in the page: it may import ${names()}.${relative}`)
  }
  return new Proxy(ENTRIES[specifier], {
    get(entry, name) {
      // The code that imports asks for this one itself.
      if (name === '__esModule') return true
      if (typeof name === 'symbol' || Object.hasOwn(entry, name)) return Reflect.get(entry, name) as unknown
      throw new PartError(`"${specifier}" exports no "${name}".`)
    },
  })
}

function names(): string {
  const all = Object.keys(ENTRIES)
  return `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`
}
