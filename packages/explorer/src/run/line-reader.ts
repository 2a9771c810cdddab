/**
 * Reads the words of a line one after the other, and notes what may stand where the typing ends.
 *
 * Invariants:
 * 1. A reader that completes reads up to the hole, the last word of the text, as far as it is typed; everything that may stand there is in
 *    `expected`.
 * 2. A problem covers the word that is wrong, or the end of the line where something is missing.
 */
import { isVisible, quotedText, shortText } from 'kvarium/observe'

export interface Problem {
  /** Offsets in the line. */
  readonly from: number
  readonly to: number
  readonly message: string
}

export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.message)
    this.problem = problem
  }
}

/** The hole has been reached where a word must stand. */
export class IncompleteError extends Error {}

/** What the values that are made of lengths may still have, in bytes. */
export interface Room {
  madeBytes: number
}

/** Words of which the run knows those that there are. */
export type KnownKind = 'key' | 'snapshot' | 'transaction' | 'lane'

export interface Expected {
  readonly kind: KnownKind | 'word' | 'value' | 'name' | 'number' | 'length'
  /** The word itself; of the other kinds it is empty. */
  readonly word: string
  readonly about: string
}

interface Token {
  readonly text: string
  readonly from: number
  readonly to: number
  readonly isQuoted: boolean
}

/** Characters of a wrong word that a message shows. */
const LONGEST_SHOWN = 60

/** Words with a meaning behind the first one: as keys, values and names they are quoted. */
const OPTION_WORDS = new Set(['sync', 'ttl', 'at', 'limit', 'reverse', 'keys', 'values', 'seed', 'first', '-'])
const LENGTH = /^(\d{1,9})(B|KiB)$/
const BARE = /^[^\s";#][^\s";]*$/

/** Whether a key, a value or a name can stand without quotes. */
export function isBare(text: string): boolean {
  return BARE.test(text) && isVisible(text) && !OPTION_WORDS.has(text) && !LENGTH.test(text)
}

export function lengthText(bytes: number): string {
  return bytes > 0 && bytes % 1024 === 0 ? `${bytes / 1024}KiB` : `${bytes}B`
}

export class LineReader {
  readonly expected: Expected[] = []
  readonly room: Room
  /** Offset of the hole. */
  readonly hole: number
  readonly #line: string
  readonly #tokens: readonly Token[]
  /** Index of the token that is the hole; none where the line is complete. */
  readonly #holeIndex: number
  #at = 0

  constructor(line: string, { isCompleting = false, room }: { readonly isCompleting?: boolean; readonly room: Room }) {
    this.#line = line
    this.room = room
    const tokens = tokensOf(line, isCompleting)
    const last = tokens.at(-1)
    const isInWord = last !== undefined && last.to === line.length && last.text !== ';'
    this.#tokens = isCompleting && isInWord ? tokens.slice(0, -1) : tokens
    this.#holeIndex = isCompleting ? this.#tokens.length : -1
    this.hole = isInWord ? last.from : line.length
  }

  /** One of these words. */
  word<Word extends string>(what: string, words: readonly { readonly word: Word; readonly about: string }[]): Word {
    this.#note(...words.map(each => ({ kind: 'word' as const, ...each })))
    const token = this.#required(`${what}: ${list(words.map(({ word }) => word))}`)
    const found = words.find(({ word }) => word === token.text && !token.isQuoted)
    if (found !== undefined) return found.word
    const near = words.find(({ word }) => word.startsWith(token.text.toLowerCase().slice(0, 2)))
    return this.#fail(
      token,
      `"${shown(token)}" is not ${what}. ${near === undefined ? 'Write' : `Did you mean "${near.word}"? There are`} ${list(words.map(({ word }) => word))}`,
    )
  }

  /** A key, a value or a name. */
  text(kind: KnownKind | 'value' | 'name', what: string): string {
    this.#note({ kind, word: '', about: what })
    const token = this.#required(what)
    if (token.text === ';' && !token.isQuoted) return this.#fail(token, `Write ${what} here, in quotes if it contains ;`)
    if (!token.isQuoted && OPTION_WORDS.has(token.text)) {
      return this.#fail(token, `Write ${what} before "${token.text}", or "${token.text}" in quotes if it is meant`)
    }
    return token.text
  }

  /** A bound of keys; `null` for "-", which means none, and `undefined` where none is written. */
  bound(what: string, options: readonly string[]): string | null | undefined {
    this.#note({ kind: 'key', word: '', about: what })
    const token = this.#peek()
    if (token === undefined || (!token.isQuoted && (token.text === ';' || options.includes(token.text)))) return undefined
    if (!token.isQuoted && token.text === '-') {
      this.#at++
      return null
    }
    return this.text('key', what)
  }

  /** Whether this word comes next. */
  option(word: string): boolean {
    this.#note({ kind: 'word', word, about: '' })
    const token = this.#peek()
    if (token?.text !== word || token.isQuoted) return false
    this.#at++
    return true
  }

  semicolon(): boolean {
    this.#note({ kind: 'word', word: ';', about: 'one more write' })
    const token = this.#peek()
    if (token?.text !== ';' || token.isQuoted) return false
    this.#at++
    return true
  }

  integer(what: string, least: number, most: number): number {
    this.#note({ kind: 'number', word: '', about: what })
    const token = this.#required(`${what}, a number`)
    const number = /^\d[\d_,]*$/.test(token.text) ? Number(token.text.replace(/[_,]/g, '')) : NaN
    if (Number.isNaN(number)) return this.#fail(token, `Write ${what} as a number, not "${shown(token)}"`)
    if (number < least || number > most) return this.#fail(token, `Write a number from ${least} to ${most}, not ${number}`)
    return number
  }

  /** Numbers with commas between them; - for none. */
  integers(what: string): readonly number[] {
    this.#note({ kind: 'number', word: '', about: what })
    const token = this.#required(what)
    if (token.text === '-') return []
    if (!/^\d{1,9}(,\d{1,9})*$/.test(token.text)) return this.#fail(token, `Write ${what}, such as 0,2, not "${shown(token)}"`)
    return token.text.split(',').map(Number)
  }

  /** A length in bytes such as 100B or 4KiB, if one comes next. */
  length(): number | undefined {
    this.#note({ kind: 'length', word: '', about: 'a length such as 100B' })
    const token = this.#peek()
    const [, count, unit] = token?.isQuoted === false ? (LENGTH.exec(token.text) ?? []) : []
    if (count === undefined) return undefined
    this.#at++
    return Number(count) * (unit === 'KiB' ? 1024 : 1)
  }

  /** Fails: something of this kind must stand here. */
  expect(kind: Expected['kind'], what: string): never {
    this.#note({ kind, word: '', about: what })
    const token = this.#required(what)
    return this.#fail(token, `Write ${what} here, not "${shown(token)}"`)
  }

  /** Fails at the word that was read last. */
  refuse(message: string): never {
    return this.#fail(this.#tokens[this.#at - 1], message)
  }

  end(): void {
    const token = this.#peek()
    if (token !== undefined) this.#fail(token, `Nothing fits behind this: remove "${shown(token)}", or put it on a line of its own`)
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at]
  }

  #note(...expected: readonly Expected[]): void {
    if (this.#at === this.#holeIndex) this.expected.push(...expected)
  }

  #required(what: string): Token {
    const token = this.#tokens[this.#at]
    if (token === undefined) {
      if (this.#holeIndex >= 0) throw new IncompleteError()
      throw new ProblemError({ from: this.#line.length, to: this.#line.length, message: `Write ${what} here` })
    }
    this.#at++
    return token
  }

  #fail({ from, to }: Token, message: string): never {
    throw new ProblemError({ from, to, message })
  }
}

function tokensOf(line: string, isCompleting: boolean): Token[] {
  const tokens: Token[] = []
  const pattern = /\s+|;|"(?:[^"\\]|\\.)*("?)|[^\s;]+/gsu
  for (const match of line.matchAll(pattern)) {
    const [text, closing] = match
    const from = match.index
    const to = from + text.length
    if (text.trim() === '') continue
    if (!text.startsWith('"')) {
      const quote = text.indexOf('"')
      if (quote >= 0)
        throw new ProblemError({ from: from + quote, to, message: 'Put the whole word in quotes, and write \\" for a quote in it' })
      tokens.push({ text, from, to, isQuoted: false })
      continue
    }
    if (closing === '') {
      if (isCompleting) tokens.push({ text: text.slice(1), from, to, isQuoted: true })
      else throw new ProblemError({ from, to, message: 'End the quoted word with a quote: "' })
      continue
    }
    if (to < line.length && !/[\s;]/.test(line[to])) {
      throw new ProblemError({ from: to, to: to + 1, message: 'Put a space behind the quoted word, or \\" for a quote in it' })
    }
    tokens.push({ text: unescaped(text, from), from, to, isQuoted: true })
  }
  return tokens
}

function unescaped(quoted: string, from: number): string {
  // JSON refuses control characters as they are.
  const text = quoted.replace(/\p{Cc}/gu, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  try {
    return JSON.parse(text) as string
  } catch {
    const bad = /^"(?:[^"\\]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/.exec(quoted)![0].length
    throw new ProblemError({
      from: from + bad,
      to: from + Math.min(quoted.length, bad + 2),
      message: 'This is no escape: write \\" \\\\ \\n \\t or \\u and four hexadecimal digits',
    })
  }
}

/** A word as a message shows it. */
function shown({ text }: Token): string {
  return shortText(quotedText(text).slice(1, -1), LONGEST_SHOWN)
}

function list(words: readonly string[]): string {
  return words.length > 6 ? `${words.slice(0, 6).join(', ')}, ...` : words.join(' or ')
}
