import { readFileSync } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { catalog } from '../../examples/lab/catalog.js'
import { CommandKeys } from '../../examples/lab/command-keys.js'
import { commandLines } from '../../examples/lab/command-lines.js'
import type { Recording } from '../../packages/lab/src/replay/items.js'
import { record } from '../../examples/lab/lab.js'
import { STEP_HELP } from '../../examples/lab/step-command.js'
import { stepThrough } from '../../examples/lab/step-session.js'
import { typesOf } from '../../packages/lab/src/replay/stepper.js'
import { smallRecording } from './support/small-example.js'

async function session(recording: Recording, commands: readonly string[]): Promise<string> {
  const printed: string[] = []
  const print = (text: string): void => void printed.push(text)
  const input = Readable.from([commands.join('\n')])
  await stepThrough(recording, commandLines(input, print), print)
  return printed.join('\n')
}

const piped = async (...commands: readonly string[]): Promise<string> => session(await smallRecording(), commands)

it('a session from a pipe reads as it should', async () => {
  const text = await piped(
    ...['n', '', 'o', 'i', '/log.append', 'x', '/predict', 'p two of them', '/reveal', 'b', 'o', '/compaction', '/manifest', 'x', 'i'],
    ...['\\operation.begin', 'f', 'f CURRENT', 'f 000001.log 60', '/nonsense', '9999', 'zz', 'h', '1', 'b', 'q', 'n'],
  )
  await expect(`${text}\n`).toMatchFileSnapshot('sessions/small.txt')
})

it('a pipe that ends without q ends the session', async () => {
  expect(await piped('n')).toContain('2 of ')
})

it('the document shows what the stepper prints', async () => {
  const document = readFileSync(new URL('../../docs/stepping.md', import.meta.url), 'utf8')
  expect(document).toContain(STEP_HELP)
  const [, commands, shown] = /```console\n\$ printf '(.*)' \| .*\n([^`]*)```/.exec(document)!
  const [{ number, name, load }] = catalog()
  expect(`${await session(await record(number, name, await load()), commands.split('\\n').slice(0, -1))}\n`).toBe(shown)
})

class Keyboard extends PassThrough {
  readonly isTTY = true
  isRaw = false

  setRawMode(isRaw: boolean): this {
    this.isRaw = isRaw
    return this
  }

  /** Types once what was asked for is there. */
  async type(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.write(key)
      await new Promise(resolve => setTimeout(resolve, key.includes('\u001b') ? 5 : 1))
    }
  }
}

it('keys step, ask for a guess, complete a type and give the terminal back', async () => {
  const recording = await smallRecording()
  const keyboard = new Keyboard()
  const screen = new PassThrough()
  const printed: string[] = []
  const keys = new CommandKeys(keyboard, screen, { types: typesOf(recording.items), last: recording.items.length })
  expect(keyboard.isRaw).toBe(true)
  const stepping = stepThrough(recording, keys, text => void printed.push(text))
  await keyboard.type(
    '\u001b[C',
    '\r',
    '\u001b[D',
    'o',
    'O',
    '\u001b[1;2C',
    '/',
    'pred\t\r',
    'just one\r',
    '/',
    'rev\t\r',
    '2',
    '\r',
    '\u001b[F',
    'n',
    'q',
  )
  await stepping
  expect(keyboard.isRaw).toBe(false)
  const places = printed.flatMap(text => /^-- (\d+ of \d+ \| [\w.]+)/m.exec(text)?.[1] ?? [])
  const last = recording.items.length
  expect(places.map(place => place.replace(` of ${last}`, ''))).toEqual([
    '1 | heading',
    '2 | say',
    '3 | call',
    '2 | say',
    '3 | call',
    expect.stringMatching(/call$/),
    expect.stringMatching(/predict$/),
    expect.stringMatching(/reveal$/),
    '2 | say',
    `${last} | ${recording.items.at(-1)!.kind === 'event' ? (recording.items.at(-1) as { event: { type: string } }).event.type : recording.items.at(-1)!.kind}`,
  ])
  expect(printed.join('\n')).toContain('Your guess: just one')
  expect(printed.join('\n')).toContain('This is the last item.')
})
