/** Numbers for people: short, with their units. */

/** `512 B`, `23.4 KiB`, `1.20 GiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = count
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : significant(value)} ${units[unit]}`
}

/** A configured size: `64 KiB`, without rounding. */
export function exactBytes(count: number): string {
  const units = ['', ' KiB', ' MiB', ' GiB']
  let value = count
  let unit = 0
  while (value !== 0 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${value}${units[unit]}`
}

/** `135,233`. */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** `1.23M`, `328k`, `950`, for rates. */
export function rate(value: number): string {
  if (value >= 999_500) return `${significant(value / 1e6)}M`
  if (value >= 999.5) return `${significant(value / 1e3)}k`
  return significant(value)
}

/** `2.31 µs`, `14.2 ms`, `1.05 s`. */
export function duration(microseconds: number, space = ' '): string {
  if (microseconds < 999.5) return `${significant(microseconds)}${space}µs`
  if (microseconds < 999_500) return `${significant(microseconds / 1e3)}${space}ms`
  return `${significant(microseconds / 1e6)}${space}s`
}

/** `2.31µs`, for narrow columns. */
export function briefDuration(microseconds: number): string {
  return duration(microseconds, '')
}

/** `5.13×`; `0` for 0. */
export function times(value: number): string {
  return value === 0 ? '0' : `${significant(value)}×`
}

/** `30 %`. */
export function share(value: number): string {
  return `${Number((value * 100).toPrecision(3))} %`
}

/** Three significant digits, and no more than three after the point. */
export function significant(value: number): string {
  if (value === 0) return '0'
  if (value < 0.0005) return '<0.001'
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : value >= 0.0995 ? 2 : 3
  return value >= 999.5 ? count(Math.round(value)) : value.toFixed(digits)
}

export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`
}

/** `10 µs`, without more digits than needed. */
export function shortDuration(microseconds: number): string {
  const [value, unit] =
    microseconds < 1000 ? [microseconds, 'µs'] : microseconds < 1e6 ? [microseconds / 1000, 'ms'] : [microseconds / 1e6, 's']
  return `${Number(value.toPrecision(3))} ${unit}`
}

/** A number of an axis: `0.5`, `2`, `10`. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(3)))
}

/** `4 MiB`, for an axis. */
export function shortBytes(count: number): string {
  return bytes(count).replace(/\.0+(?= )|(\.\d*?)0+(?= )/, '$1')
}
