/**
 * A run as a link: its settings, its script, and a position. Nothing else is needed to do the same again, byte for byte.
 *
 *   v1.<base64url of deflated JSON>
 *
 * Invariants:
 * 1. Decoding what was encoded gives the scenario again.
 * 2. A run with a part is refused: a link never carries code.
 * 3. A text that no page has made is refused with a sentence, and nothing of it is used.
 */
import { ExplorerError } from './explorer-error.js'
import { hasPart, type LaneSettings, type Setting, MOST_LANES, type RunSettings } from './settings.js'
import { isProblem, parse, roomOfLink } from './command.js'
import type { Line } from './line.js'

export interface Scenario {
  readonly settings: RunSettings
  /** One operation or generator a line. */
  readonly script: readonly string[]
  readonly position: number
}

const VERSION = 'v1.'
/** What a link may stand for at most, in characters of JSON. */
const MOST_CHARACTERS = 4 << 20

/** Rejects with an Error where a lane has a part. */
export async function encodeScenario(scenario: Scenario): Promise<string> {
  if (hasPart(scenario.settings)) {
    throw new ExplorerError(
      'KVARIUM_NOT_REPEATABLE',
      'A link carries no code, and so no part of your own: apply engines without it first, or save the file of the part and pass that on',
    )
  }
  const json = new TextEncoder().encode(JSON.stringify(scenario))
  return VERSION + base64url(await through(json, new CompressionStream('deflate-raw')))
}

/** Rejects with a TypeError that says what is wrong. */
export async function decodeScenario(text: string): Promise<Scenario> {
  if (!text.startsWith(VERSION))
    throw new ExplorerError('KVARIUM_INVALID_LINK', `This link is not one of the explorer: it has to begin with "${VERSION}"`)
  let parsed: unknown
  try {
    const bytes = await through(bytesOf(text.slice(VERSION.length)), new DecompressionStream('deflate-raw'), MOST_CHARACTERS)
    parsed = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new ExplorerError('KVARIUM_INVALID_LINK', 'This link is damaged: copy it whole, with every character', { cause })
  }
  return checked(parsed)
}

/** The lines of a script. Throws a TypeError that names the first line that is none. */
export function linesOf(script: readonly string[]): readonly Line[] {
  const room = roomOfLink()
  return script.map((text, index) => {
    const line = parse(text, room)
    if (isProblem(line)) throw new ExplorerError('KVARIUM_INVALID_LINK', `Line ${index + 1} of the script: ${line.message}`)
    return line
  })
}

function checked(value: unknown): Scenario {
  const { settings, script, position } = fieldsOf(value, 'the link')
  const { seed, lanes } = fieldsOf(settings, 'settings')
  if (!isWhole(seed)) throw wrong('seed', 'a whole number')
  if (!Array.isArray(lanes) || lanes.length < 1 || lanes.length > MOST_LANES) throw wrong('lanes', `a list of one to ${MOST_LANES}`)
  if (!Array.isArray(script) || !script.every(line => typeof line === 'string')) throw wrong('script', 'a list of texts')
  if (!isWhole(position)) throw wrong('position', 'a whole number')
  linesOf(script)
  return { settings: { seed, lanes: lanes.map(checkedLane) }, script, position }
}

function checkedLane(value: unknown): LaneSettings {
  const { name, engine, options } = fieldsOf(value, 'a lane')
  if (typeof name !== 'string' || typeof engine !== 'string') throw wrong('name and engine of a lane', 'texts')
  const settings = Object.entries(fieldsOf(options, 'options')).map(([option, setting]): [string, Setting] => {
    if (typeof setting !== 'number' && typeof setting !== 'string' && typeof setting !== 'boolean') {
      throw wrong(`option ${option}`, 'a number, a text or a boolean')
    }
    return [option, setting]
  })
  return { name, engine, options: Object.fromEntries(settings) }
}

function fieldsOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(what, 'an object')
  return value as Record<string, unknown>
}

function wrong(what: string, wanted: string): TypeError {
  return new ExplorerError('KVARIUM_INVALID_LINK', `This link is not one of the explorer: ${what} must be ${wanted}`)
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

interface Transform {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>
}

/** All that comes out of a stream for these bytes; an error beyond `most` bytes. */
async function through(bytes: Uint8Array<ArrayBuffer>, { readable, writable }: Transform, most = Infinity): Promise<Uint8Array> {
  const writer = writable.getWriter()
  // The reader meets the same error.
  void writer
    .write(bytes)
    .then(() => writer.close())
    .catch(() => undefined)
  const parts: Uint8Array[] = []
  let length = 0
  const reader = readable.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    length += value.length
    if (length > most) {
      await reader.cancel()
      throw new RangeError(`more than ${most} bytes`)
    }
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function base64url(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), character => character.charCodeAt(0))
}
