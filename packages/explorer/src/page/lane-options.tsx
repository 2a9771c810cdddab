/** The lanes of the run as what a control chooses from; the value of each is its index. */
import type { JSX } from 'preact'

export function LaneOptions({ lanes }: { readonly lanes: readonly { readonly name: string }[] }): JSX.Element {
  return (
    <>
      {lanes.map(({ name }, index) => (
        <option key={name} value={index}>
          {name}
        </option>
      ))}
    </>
  )
}
