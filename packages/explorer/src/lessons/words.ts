/** Numbers of lessons as words of a text. */
export { counted, number } from '../run/number-text.js'

/** A number with two digits behind the point. */
export function ratio(value: number): string {
  return value.toFixed(2)
}
