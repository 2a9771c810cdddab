/**
 * A session of stepping: reads commands one by one and prints their results. A source provides the commands: keys, or lines of
 * a pipe.
 */
import { parsedCommand, STEP_HELP, type StepCommand } from './step-command.js'
import { bytesOfEvent, bytesOfFile, type ShownBytes } from '../../packages/lab/src/replay/event-bytes.js'
import type { Recording } from '../../packages/lab/src/replay/items.js'
import { Replay } from '../../packages/lab/src/replay/replay.js'
import { stopText } from './step-text.js'
import { Stepper } from '../../packages/lab/src/replay/stepper.js'
import { structureLines } from '../../packages/lab/src/replay/structure-text.js'
import { touchedUpTo, touchText } from '../../packages/lab/src/replay/touched.js'

export interface CommandSource {
  /** Whether a reader can answer a question. */
  readonly isAnswering: boolean
  /** The next command as text; `undefined` when there are no more. */
  command(): Promise<string | undefined>
  /** An answer in words; `undefined` when there is none. */
  answer(prompt: string): Promise<string | undefined>
  /** Releases the input. */
  close(): void
}

const LINES_OF_BYTES = 64

/** Steps through a recording until the source ends the session or has no more commands; closes the source. */
export async function stepThrough(recording: Recording, source: CommandSource, print: (text: string) => void): Promise<void> {
  try {
    await new StepSession(recording, source, print).run()
  } finally {
    source.close()
  }
}

class StepSession {
  readonly #recording: Recording
  readonly #source: CommandSource
  readonly #print: (text: string) => void
  readonly #stepper: Stepper
  readonly #replay: Replay

  constructor(recording: Recording, source: CommandSource, print: (text: string) => void) {
    this.#recording = recording
    this.#source = source
    this.#print = print
    this.#stepper = new Stepper(recording.items)
    this.#replay = new Replay(recording.items)
  }

  async run(): Promise<void> {
    const { number, question } = this.#recording
    this.#print(
      `Example ${number}: ${question}\nEnter goes on, b back, o to the next operation; h lists all commands, q ends.${this.#source.isAnswering ? '' : '\n'}`,
    )
    await this.#stop()
    for (let text = await this.#source.command(); text !== undefined; text = await this.#source.command()) {
      const command = parsedCommand(text)
      if (command === undefined) this.#print(`There is no command "${text}"; h lists them.`)
      else if (command.do === 'quit') return
      else await this.#follow(command)
    }
  }

  async #follow(command: StepCommand): Promise<void> {
    const stepper = this.#stepper
    switch (command.do) {
      case 'next':
        return this.#moved(stepper.next(), 'This is the last item.')
      case 'back':
        return this.#moved(stepper.back(), 'This is the first item.')
      case 'next-operation':
        return this.#moved(stepper.nextOperation(), 'There is no operation behind this one.')
      case 'previous-operation':
        return this.#moved(stepper.previousOperation(), 'There is no operation before this one.')
      case 'next-of':
        return this.#moved(
          stepper.nextOf(type => type.startsWith(command.type)),
          this.#noSuch(command.type, 'behind'),
        )
      case 'previous-of':
        return this.#moved(
          stepper.previousOf(type => type.startsWith(command.type)),
          this.#noSuch(command.type, 'before'),
        )
      case 'go':
        return this.#moved(stepper.goTo(command.number - 1), `Items have numbers from 1 to ${stepper.last + 1}.`)
      case 'guess':
        this.#print(stepper.guess(command.text) ? `Your guess: ${command.text}` : 'Nothing has been asked so far.')
        return
      case 'structure':
        return this.#structure()
      case 'bytes':
        return this.#bytes()
      case 'file':
        return this.#file(command.name, command.offset)
      case 'help':
        this.#print(STEP_HELP)
        return
      case 'quit':
    }
  }

  async #moved(hasMoved: boolean, otherwise: string): Promise<void> {
    if (hasMoved) await this.#stop()
    else this.#print(otherwise)
  }

  async #stop(): Promise<void> {
    // Commands from a pipe are already printed in between.
    this.#print(this.#source.isAnswering ? `\n${stopText(this.#stepper)}` : stopText(this.#stepper))
    const { item, guessed } = this.#stepper
    if (item.kind !== 'predict' || guessed !== undefined || !this.#source.isAnswering) return
    const guess = (await this.#source.answer('  Your guess: '))?.trim() ?? ''
    if (guess !== '') this.#stepper.guess(guess)
  }

  #noSuch(type: string, where: string): string {
    const { types } = this.#stepper
    if (types.some(known => known.startsWith(type))) return `There is no more "${type}" ${where} this item.`
    return `Nothing in this recording is of a type that begins with "${type}". There are: ${types.join(', ')}.`
  }

  #structure(): void {
    const { stores, position } = this.#stepper
    const lines = stores.flatMap(store => {
      const structure = this.#replay.structure(store, position)
      const shown = typeof structure === 'string' ? [structure] : structureLines(structure)
      return stores.length === 1 ? shown : [`the store "${store}":`, ...shown]
    })
    const touched = touchedUpTo(this.#recording.items, position).map(touch => `looks at ${touchText(touch)}`)
    this.#print(stores.length === 0 ? 'No store has emitted an event yet.' : [...lines, ...touched].map(line => `  ${line}`).join('\n'))
  }

  async #bytes(): Promise<void> {
    const { items, position } = this.#stepper
    const bytes = await bytesOfEvent(items, this.#replay, position, LINES_OF_BYTES)
    if (bytes === undefined) this.#print('This item has no bytes.')
    else this.#printBytes(bytes, '')
  }

  async #file(name: string, offset: number): Promise<void> {
    const { store, position } = this.#stepper
    const file = store === undefined ? undefined : this.#replay.file(store, name, position)
    if (file === undefined) {
      const names = store === undefined ? [] : this.#replay.files(store, position)
      this.#print(`${name === '' ? 'Name a file' : `There is no file "${name}" now`}: ${names.join(', ') || 'there are none so far'}.`)
    } else this.#printBytes(await bytesOfFile(file, offset, LINES_OF_BYTES), `; f ${name} OFFSET shows more`)
  }

  #printBytes({ title, lines, nextOffset }: ShownBytes, more: string): void {
    const rest = nextOffset === undefined ? [] : [`... and more from offset ${nextOffset} on${more}`]
    this.#print([`${title}:`, ...lines, ...rest].map(line => `  ${line}`).join('\n'))
  }
}
