/** All keys of the page. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { areKeysShown, KEYS, keyText } from './keys.js'

export function KeysDialog(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (areKeysShown.value) dialog.current!.showModal()
    else dialog.current!.close()
  }, [areKeysShown.value])
  return (
    <dialog ref={dialog} class="keys" aria-labelledby="keys-title" onClose={() => (areKeysShown.value = false)}>
      <h2 id="keys-title">Keys</h2>
      <p>
        They work where no field has the focus. In a drawing, the arrow keys go from one thing to the next, and Enter shows its history.
      </p>
      <table>
        <tbody>
          {KEYS.map(({ key, does }) => (
            <tr key={key}>
              <th scope="row">
                <kbd>{keyText(key)}</kbd>
              </th>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  )
}
