/** The files of a hash engine by age, with what is live and dead in each, and the merge of the moment with the fate of what it met. */
import { visibleText } from 'kvarium/observe'
import type { JSX } from 'preact'
import { logName } from 'kvarium/engine'
import { dataName, type HashFileShape } from 'kvarium/hash'
import { wordText } from '../../run/command.js'
import type { DataMerge, DataPicture } from '../../views/data-fold.js'
import { bytes, counted, number } from '../format.js'
import { select, selection } from '../state.js'
import { TableHead } from '../table-head.js'
import type { DrawingProps } from './drawing.js'
import { useRoving } from './roving.js'

export function DataFiles({ lane, index }: DrawingProps): JSX.Element | null {
  const picture = lane.pictures.directory
  const names = picture?.shape.files.map(nameOf) ?? []
  const selected = selection.value?.lane === index && selection.value.kind === 'file' ? selection.value.file : undefined
  const roving = useRoving(names, selected)
  if (picture === undefined) return null
  const { shape, merge, maxFileSize } = picture
  const most = Math.max(1, maxFileSize ?? 0, ...shape.files.map(file => file.bytes))
  const inputs = new Set(merge?.state === 'current' ? merge.inputs : [])
  return (
    <div class="data-files">
      <Threshold picture={picture} />
      <div {...roving.around}>
        <table>
          <TableHead names={['file', 'live and dead']} />
          <tbody>
            {shape.files.map(file => {
              const name = nameOf(file)
              const role = inputs.has(file.number) ? 'input' : merge?.output === file.number ? 'output' : ''
              return (
                <tr key={file.number} class={role}>
                  <th scope="row">
                    <button
                      type="button"
                      class="plain"
                      {...roving.item(name)}
                      aria-pressed={selected === name}
                      title={textOf(file)}
                      onClick={() => select(selected === name ? undefined : { lane: index, kind: 'file', file: name })}
                    >
                      {role === '' ? '' : role === 'input' ? '▼ ' : '★ '}
                      {file.kind === 'log' ? 'log' : 'data'} {number(file.number)}
                    </button>
                  </th>
                  <td>
                    <span class="sizes" aria-hidden="true">
                      <span class="live" style={{ width: `${(100 * (file.bytes - file.deadBytes)) / most}%` }} />
                      <span class="dead" style={{ width: `${(100 * file.deadBytes) / most}%` }} />
                    </span>
                    {bytes(file.bytes - file.deadBytes)} live, {bytes(file.deadBytes)} dead; {number(file.live)} of{' '}
                    {counted(file.puts, 'put')}
                    {file.pins === 0 ? '' : `; ${number(file.pins)} held`}
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      <p class="why">
        The oldest first; the last log is being written. Filled is live, hatched is dead. A data file has a hint file with the same number,
        from which an opening fills the directory. Held are older values that a reader needs: their file stays.
      </p>
      {merge === undefined ? null : <Merge merge={merge} lane={index} />}
    </div>
  )
}

function nameOf(file: HashFileShape): string {
  return file.kind === 'log' ? logName(file.number) : dataName(file)
}

function textOf({ number: file, kind, from, to, live, puts, bytes: size, deadBytes }: HashFileShape): string {
  const what =
    kind === 'log' ? `log ${file}` : from === to ? `data file ${file}, log ${from} sealed` : `data file ${file}, of logs ${from} to ${to}`
  return `${what}: ${bytes(size)}, ${number(live)} of ${counted(puts, 'put')} live, ${bytes(deadBytes)} dead`
}

function Threshold({ picture }: { readonly picture: DataPicture }): JSX.Element {
  const { deadBytes, sealedBytes, mergeThreshold = 100, maxFileSize = 0 } = picture
  const share = sealedBytes === 0 ? 0 : (100 * deadBytes) / sealedBytes
  const isDue = sealedBytes > 0 && share >= mergeThreshold && deadBytes >= maxFileSize
  return (
    <div class="threshold">
      <p>
        Of {bytes(sealedBytes)} in sealed files {Math.round(share)} % is dead; a merge is due at {mergeThreshold} %, once that is{' '}
        {bytes(maxFileSize)} or more{isDue ? ': it begins when the log is full' : ''}.
      </p>
      <span class="sizes" aria-hidden="true">
        <span class="dead" style={{ width: `${share}%` }} />
        <span class="limit" style={{ left: `${mergeThreshold}%` }} />
      </span>
    </div>
  )
}

const FATES = [
  ['kept', '✓', 'kept', 'It is the newest value of its key: it was copied, and its record leads to the copy.'],
  ['dead', '≡', 'left out', 'No record leads to it: a newer value or a deletion took its place.'],
  ['expired', '⌛', 'expired', 'Its time is over.'],
] as const

function Merge({ merge, lane }: { readonly merge: DataMerge; readonly lane: number }): JSX.Element {
  const { state, reason, inputs, output, fates, recent } = merge
  const roving = useRoving(
    recent.map(({ key }) => key),
    recent.at(-1)?.key,
  )
  const what =
    inputs.length === 0 ? 'copies what is live' : `of ${counted(inputs.length, 'file')} (${inputs.join(', ')}) into file ${output}`
  const how = { running: 'is under way', current: 'has its file: readers use it from now on', ended: 'is over', failed: 'failed' }[state]
  return (
    <section class="data-merge">
      <h4>Merge</h4>
      <p>
        {state === 'ended' || state === 'failed' ? 'The last merge' : 'A merge'} {what} {how}.
        {reason === undefined ? '' : ` Reason: ${visibleText(reason)}.`}
      </p>
      <table>
        <TableHead names={['fate', 'puts', 'why']} />
        <tbody>
          {FATES.filter(([fate]) => fate !== 'expired' || fates.expired > 0).map(([fate, sign, name, why]) => (
            <tr key={fate}>
              <th scope="row">
                <span aria-hidden="true">{sign} </span>
                {name}
              </th>
              <td>{number(fates[fate])}</td>
              <td class="text">{why}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {recent.length === 0 ? null : (
        <div {...roving.around}>
          <ol class="recent" aria-label="The latest entries, the last one last">
            {recent.map(({ key, fate, from }) => (
              <li key={key}>
                <button type="button" class="plain" {...roving.item(key)} onClick={() => select({ lane, kind: 'key', key })}>
                  <span aria-hidden="true">{fate === 'kept' ? '✓' : '⌛'} </span>
                  {wordText(key)}: {fate === 'kept' ? `kept, out of file ${from}` : 'expired'}
                </button>
              </li>
            ))}
          </ol>
        </div>
      )}
    </section>
  )
}
