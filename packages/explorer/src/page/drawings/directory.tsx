/** The directory of a hash engine: of each key the record that says in which file, and where in it, the newest value is. */
import type { JSX } from 'preact'
import { wordText } from '../../run/command.js'
import type { SearchPicture } from '../../views/data-fold.js'
import { bytes, counted, number } from '../format.js'
import { select, selection } from '../state.js'
import { TableHead } from '../table-head.js'
import type { DrawingProps } from './drawing.js'
import { useRoving } from './roving.js'

export function Directory({ lane, index }: DrawingProps): JSX.Element | null {
  const picture = lane.pictures.directory
  const keys = picture?.records.map(({ key }) => key) ?? []
  const selected = selection.value?.lane === index && selection.value.kind === 'key' ? selection.value.key : undefined
  const roving = useRoving(keys, selected)
  if (picture === undefined) return null
  const { shape, records, placed, searches, present, sort } = picture
  const { directory, entries } = shape
  const asked = new Set(searches.map(({ key }) => key))
  return (
    <div class="directory">
      <p>
        {counted(directory.records, 'key')} in memory, {number(entries)} with a value. They take {bytes(directory.bytes)}
        {directory.records === 0 ? '' : `, ${bytes(directory.bytesPerKey)} per key`}
        {directory.orderBytes > 0 ? `, ${bytes(directory.orderBytes)} of it for their order` : ''}.
        {directory.olderVersions > 0 ? ` Of ${counted(directory.olderVersions, 'key')} a reader needs older values.` : ''}
      </p>
      {searches.length === 0 ? null : <Searches searches={searches} />}
      {records.length === 0 ? (
        <p>No key has a value yet.</p>
      ) : (
        <div {...roving.around} class="records">
          <table>
            <TableHead names={['key', 'hash', 'record', 'file: byte']} />
            <tbody>
              {records.map(({ key, hash, record, file, offset, length }) => (
                <tr
                  key={key}
                  class={key === present ? 'present' : asked.has(key) ? 'asked' : ''}
                  aria-current={key === present ? 'step' : undefined}
                >
                  <th scope="row">
                    <button
                      type="button"
                      class="plain"
                      {...roving.item(key)}
                      aria-pressed={selected === key}
                      onClick={() => select(selected === key ? undefined : { lane: index, kind: 'key', key })}
                    >
                      {key === present ? '★ ' : asked.has(key) ? '✓ ' : ''}
                      {wordText(key)}
                    </button>
                  </th>
                  <td>{hash.toString(16).padStart(8, '0')}</td>
                  <td>{number(record)}</td>
                  <td title={`${counted(length, 'byte')} of a value`}>
                    {number(file)}: {number(offset)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="why">
        The latest first{placed > records.length ? `, ${number(placed - records.length)} more keys are not listed` : ''}. The first byte of
        a hash chooses one of 256 parts of the table of slots, the rest the slot, which has the number of the record.
        {sort === undefined ? '' : ` For the last iterator or clear ${number(sort.sorted)} of ${number(sort.records)} keys were sorted.`}
      </p>
    </div>
  )
}

function Searches({ searches }: { readonly searches: readonly SearchPicture[] }): JSX.Element {
  return (
    <ol class="probes" aria-label="What this operation looks up">
      {searches.map((search, at) => (
        <li key={at}>
          <span aria-hidden="true">{search.outcome === 'hit' ? '✓' : '○'} </span>
          {wordText(search.key)}: {searchText(search)}
        </li>
      ))}
    </ol>
  )
}

function searchText({ outcome, file, offset }: SearchPicture): string {
  if (file === undefined) return 'no record, so nothing is read'
  const where = `byte ${number(offset ?? 0)} of file ${number(file)}`
  return outcome === 'hit' ? `one read at ${where}` : `read at ${where}, and it has expired`
}
