/** Numbers of lessons as words of a text. */

export function number(count: number): string {
  return count.toLocaleString('en-US')
}

/** A number with two digits behind the point. */
export function ratio(value: number): string {
  return value.toFixed(2)
}

/** A number of things, in the form that agrees with it. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`
}
