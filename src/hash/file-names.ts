import { paddedNumber } from '../engine/durable/log-names.js'
import type { FileNames } from '../vfs/file-classes.js'

const DATA_NAME = /^(\d{6,16})-(\d{6,16})-(\d{6,16})\.data$/
const HINT_NAME = /^(\d{6,16})\.hint$/

/** Every name that the engine gives to a file. */
export const HASH_FILES: FileNames = {
  log: /^\d{6,16}\.log$/,
  table: /^(\d{6,16}-\d{6,16}-\d{6,16}\.data|\d{6,16}\.hint|\d{6,16}\.new)$/,
}

/** What a data file is called: it has the records of the logs `from` to `to`, and a number that is part of its checks. */
export interface DataName {
  readonly number: number
  readonly from: number
  readonly to: number
}

export function dataName({ number, from, to }: DataName): string {
  return `${paddedNumber(number)}-${paddedNumber(from)}-${paddedNumber(to)}.data`
}

export function parseDataName(name: string): DataName | undefined {
  const match = DATA_NAME.exec(name)
  return match === null ? undefined : { number: Number(match[1]), from: Number(match[2]), to: Number(match[3]) }
}

export function hintName(number: number): string {
  return `${paddedNumber(number)}.hint`
}

/** The number of the data file that a hint file is about. */
export function parseHintName(name: string): number | undefined {
  const match = HINT_NAME.exec(name)
  return match === null ? undefined : Number(match[1])
}

/** A file that is being written. */
export function newName(number: number): string {
  return `${paddedNumber(number)}.new`
}

/** The number in the name of any file of the engine, the first one of a data file. */
export function numberIn(name: string): number | undefined {
  const isOurs = Object.values(HASH_FILES).some(names => names.test(name))
  return isOurs ? Number(/^\d+/.exec(name)![0]) : undefined
}

/** Numbers of files, each given out once. */
export class FileNumbers {
  #next: number

  constructor(next: number) {
    this.#next = next
  }

  take(): number {
    return this.#next++
  }
}
