/** What the page remembers of the reader's choices, in this browser alone. A browser that refuses remembers nothing; everything else works. */
import { effect, signal, type Signal } from '@preact/signals'

const PREFIX = 'kvarium-explorer.'

/** A signal whose value outlives the page. `isValid` sorts out what an older page has left. */
export function remembered<T>(name: string, initial: T, isValid: (value: unknown) => value is T): Signal<T> {
  const kept = read(name)
  const value = signal(isValid(kept) ? kept : initial)
  effect(() => write(name, value.value))
  return value
}

function read(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null')
  } catch {
    return undefined
  }
}

function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value))
  } catch {
    // Refused, or full: the choice lasts as long as the page.
  }
}

export function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string')
}
