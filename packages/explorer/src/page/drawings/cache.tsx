/** The cache of a store: what is in it, what it has just evicted, and how often it had what was asked for. */
import type { JSX } from 'preact'
import type { CachedPicture } from '../../views/cache-fold.js'
import { bytes, counted, number } from '../format.js'
import { select } from '../state.js'
import type { DrawingProps } from './drawing.js'
import { useRoving, type Roving } from './roving.js'

export function Cache({ lane, index }: DrawingProps): JSX.Element | null {
  const picture = lane.pictures.cache
  const roving = useRoving([...(picture?.newest.map(keyOf('in')) ?? []), ...(picture?.evicted.map(keyOf('out')) ?? [])])
  if (picture === undefined) return null
  const { capacityBytes, entries, newest, hits, misses, evictions, evicted, present } = picture
  const asked = hits + misses
  return (
    <div class="cache" {...roving.around}>
      <p>
        {counted(entries, lane.pictures.pages === undefined ? 'block' : 'page')}, {bytes(picture.bytes)}
        {capacityBytes === undefined ? '' : ` of ${bytes(capacityBytes)}`}.{' '}
        {asked === 0
          ? 'Nothing has been asked for yet.'
          : `Found in memory: ${number(hits)} of ${number(asked)} (${Math.round((100 * hits) / asked)} %). Evicted: ${number(evictions)}.`}
      </p>
      {capacityBytes === undefined || capacityBytes === 0 ? null : (
        <span class="sizes" aria-hidden="true">
          <span class="size" style={{ width: `${Math.min(100, (100 * picture.bytes) / capacityBytes)}%` }} />
        </span>
      )}
      {entries === 0 ? null : (
        <>
          <h4>In it now, the one used last first</h4>
          <List name="in" entries={newest} lane={index} present={present} roving={roving} />
          {entries > newest.length ? <p class="why">And {number(entries - newest.length)} that were used longer ago.</p> : null}
        </>
      )}
      {evicted.length === 0 ? null : (
        <>
          <h4>Evicted, the latest first</h4>
          <List name="out" entries={evicted} lane={index} present={present} roving={roving} />
        </>
      )}
    </div>
  )
}

/** Of a page or block in the list of that name: evicted may be the same one more than once. */
function keyOf(name: ListProps['name']): (entry: CachedPicture, at: number) => string {
  return ({ file, id }, at) => (name === 'in' ? `in ${file} ${id}` : `out ${file} ${id} ${at}`)
}

/** What is drawn by signs, in words. */
function textOf({ file, id, hits, bytes: size }: CachedPicture, isPresent: boolean): string {
  const what = file === 0 ? `page ${id}` : `block of table ${file} at offset ${number(id)}`
  return `${what}, ${bytes(size)}, found ${counted(hits, 'time')}${isPresent ? ', this event is about it' : ''}`
}

interface ListProps {
  readonly name: 'in' | 'out'
  readonly entries: readonly CachedPicture[]
  readonly lane: number
  readonly present: { readonly file: number; readonly id: number } | undefined
  readonly roving: Roving
}

function List({ name, entries, lane, present, roving }: ListProps): JSX.Element {
  return (
    <ul class="cached" aria-label={name === 'in' ? 'In the cache' : 'Evicted'}>
      {entries.map((entry, at) => {
        const { file, id, hits } = entry
        const isPresent = present?.file === file && present.id === id
        const key = keyOf(name)(entry, at)
        const open = (): void => select(file === 0 ? { lane, kind: 'page', page: id } : { lane, kind: 'table', table: file })
        return (
          <li key={key} class={isPresent ? 'touched' : ''} aria-current={isPresent ? 'true' : undefined}>
            <button
              type="button"
              class="plain"
              {...roving.item(key)}
              onClick={open}
              title={`${bytes(entry.bytes)}, found ${counted(hits, 'time')}`}
            >
              <span aria-hidden="true">
                {file === 0 ? `page ${id}` : `table ${file} @${id}`}
                {hits > 0 ? ` ×${hits}` : ''}
              </span>
              <span class="hidden">{textOf(entry, isPresent)}</span>
            </button>
          </li>
        )
      })}
    </ul>
  )
}
