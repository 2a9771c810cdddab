/** What stands in the place of something that cannot be shown. */
import type { JSX } from 'preact'

export function Problem({ text }: { readonly text: string }): JSX.Element {
  return (
    <p class="problem" role="alert">
      {text}
    </p>
  )
}
