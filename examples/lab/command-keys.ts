/**
 * Commands of the stepper from the keys of a terminal. Most are one key; a word (a type, a number, a guess) is read on
 * a separate line.
 */
import { createInterface, emitKeypressEvents, type Key } from 'node:readline'
import type { CommandSource } from './step-session.js'

/** The input of a terminal. */
export interface KeyInput extends NodeJS.ReadableStream {
  setRawMode(isRaw: boolean): unknown
}

export interface KeyWords {
  readonly types: readonly string[]
  /** The number of the last item. */
  readonly last: number
}

/** Keys that are a command by themselves. */
const KEYS: Readonly<Record<string, string>> = {
  return: 'n',
  enter: 'n',
  space: 'n',
  right: 'n',
  left: 'b',
  'shift+right': 'o',
  'shift+left': 'O',
  'shift+o': 'O',
  home: '1',
  'ctrl+c': 'q',
  'ctrl+d': 'q',
}
/** Keys that begin a line. */
const LINE_KEYS = /^[/\\0-9fp]$/

export class CommandKeys implements CommandSource {
  readonly isAnswering = true
  readonly #input: KeyInput
  readonly #output: NodeJS.WritableStream
  readonly #words: KeyWords
  readonly #pressed: Key[] = []
  #waiting: ((key: Key) => void) | undefined
  #isAsking = false

  constructor(input: KeyInput, output: NodeJS.WritableStream, words: KeyWords) {
    this.#input = input
    this.#output = output
    this.#words = words
    emitKeypressEvents(input)
    input.on('keypress', this.#onKey)
    this.#listen()
  }

  async command(): Promise<string | undefined> {
    for (;;) {
      const key = await this.#key()
      const text = key.sequence ?? ''
      const name = `${key.ctrl === true ? 'ctrl+' : ''}${key.shift === true ? 'shift+' : ''}${key.name ?? text}`
      if (!LINE_KEYS.test(text)) return name === 'end' ? String(this.#words.last) : (KEYS[name] ?? text)
      const line = await this.#line(/[fp]/.test(text) ? `${text} ` : text)
      if (line !== undefined) return line
    }
  }

  answer(prompt: string): Promise<string | undefined> {
    return this.#line('', prompt)
  }

  close(): void {
    this.#input.off('keypress', this.#onKey)
    this.#input.setRawMode(false)
    this.#input.pause()
  }

  readonly #onKey = (_text: string | undefined, key: Key): void => {
    if (this.#isAsking) return
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) this.#pressed.push(key)
    else waiting(key)
  }

  #key(): Promise<Key> {
    const pressed = this.#pressed.shift()
    return pressed === undefined ? new Promise(resolve => (this.#waiting = resolve)) : Promise.resolve(pressed)
  }

  /** An edited line; `undefined` if it was cancelled. */
  async #line(begin: string, prompt = 'step> '): Promise<string | undefined> {
    this.#isAsking = true
    const lines = createInterface({
      input: this.#input,
      output: this.#output,
      terminal: true,
      completer: (line: string) => this.#complete(line),
    })
    try {
      return await new Promise<string | undefined>(resolve => {
        lines.once('close', () => resolve(undefined))
        lines.question(prompt, resolve)
        lines.write(begin)
      })
    } finally {
      lines.close()
      this.#isAsking = false
      this.#listen()
    }
  }

  #complete(line: string): [string[], string] {
    const word = line.slice(1)
    const isType = /^[/\\]/.test(line)
    return [isType ? this.#words.types.filter(type => type.startsWith(word)) : [], word]
  }

  #listen(): void {
    this.#input.setRawMode(true)
    this.#input.resume()
  }
}
