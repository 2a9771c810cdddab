/** Numbers as the page shows them. */
export { counted, number } from '../run/number-text.js'

/** A number of bytes, in the unit that suits it. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KiB`
  return `${(count / 1024 / 1024).toFixed(1)} MiB`
}
