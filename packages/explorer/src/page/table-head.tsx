/** What every table of the page has alike. */
import type { JSX } from 'preact'

/** The head of a table: a column for each name. */
export function TableHead({ names }: { readonly names: readonly string[] }): JSX.Element {
  return (
    <thead>
      <tr>
        {names.map(name => (
          <th key={name} scope="col">
            {name}
          </th>
        ))}
      </tr>
    </thead>
  )
}
