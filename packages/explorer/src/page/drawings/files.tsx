/** The files of a store as bars: what is durable, and what power loss could take. */
import { visibleText } from 'kvarium/observe'
import type { JSX } from 'preact'
import { bytes } from '../format.js'
import type { DrawingProps } from './drawing.js'
import { TableHead } from '../table-head.js'

export function Files({ lane }: DrawingProps): JSX.Element | null {
  const picture = lane.pictures.files
  if (picture === undefined) return null
  const { files, touched } = picture
  const longest = Math.max(1, ...files.map(file => file.bytes))
  return (
    <table class="files" aria-label="Files of the store">
      <TableHead names={['file', 'bytes', 'not synced']} />
      <tbody>
        {files.map(file => (
          <tr key={file.name} class={file.name === touched ? 'touched' : ''}>
            <th scope="row">
              {visibleText(file.name)}
              {file.isNameDurable ? '' : ' (name not synced)'}
              {file.name === touched ? <span class="hidden">, this event is about it</span> : null}
            </th>
            <td>
              <span class="bar" style={{ width: `${(100 * file.bytes) / longest}%` }} aria-hidden="true" />
              {file.isAtLeast ? 'at least ' : ''}
              {bytes(file.bytes)}
            </td>
            <td>{file.unsyncedBytes === 0 ? <span class="hidden">nothing</span> : bytes(file.unsyncedBytes)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
