/** Numbers as the page shows them. */

/** A number of bytes, in the unit that suits it. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KiB`
  return `${(count / 1024 / 1024).toFixed(1)} MiB`
}

export function number(count: number): string {
  return count.toLocaleString('en-US')
}

/** A number of things, in the form that agrees with it. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`
}
