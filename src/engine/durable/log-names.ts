const LOG_NAME = /^(\d{6,16})\.log$/

export function paddedNumber(number: number): string {
  return String(number).padStart(6, '0')
}

export function logName(number: number): string {
  return `${paddedNumber(number)}.log`
}

/** The number of a log file, or `undefined` if the name is not one. */
export function parseLogName(name: string): number | undefined {
  const match = LOG_NAME.exec(name)
  return match === null ? undefined : Number(match[1])
}
