/** Numbers in texts. */

/** With separators: `213,902`. A page writes hundreds in a step, and Chromium takes 15 µs for each `toLocaleString`. */
export function number(count: number): string {
  return Number.isSafeInteger(count) ? String(count).replace(/\B(?=(\d{3})+$)/g, ',') : count.toLocaleString('en-US')
}

/** A number of things, in the form that agrees with it. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`
}
