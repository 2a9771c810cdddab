/** The commands of the stepper, as they are typed. */
type BareCommand = 'next' | 'back' | 'next-operation' | 'previous-operation' | 'structure' | 'bytes' | 'help' | 'quit'

export type StepCommand =
  | { readonly do: BareCommand }
  | { readonly do: 'next-of' | 'previous-of'; readonly type: string }
  /** Displayed item numbers start at 1. */
  | { readonly do: 'go'; readonly number: number }
  | { readonly do: 'guess'; readonly text: string }
  | { readonly do: 'file'; readonly name: string; readonly offset: number }

export const STEP_HELP = `  n, Enter, →     the next item
  b, ←            the previous item
  o, shift + →    the next operation: a call, or the next of many operations in a call
  O, shift + ←    the previous operation
  /TYPE           the next event whose type begins with TYPE, such as /compaction or /file.write; Tab completes
  \\TYPE           the previous event of that type
  NUMBER          the item of that number; Home and End go to the first and the last
  i               the structure at this point
  x               the bytes that this event is about, with their meaning
  f FILE OFFSET   a file at this point; f alone lists the files
  p GUESS         your guess at the answer to the last question
  h, ?            this list
  q               end`

const LETTERS: Readonly<Record<string, BareCommand>> = {
  '': 'next',
  n: 'next',
  b: 'back',
  o: 'next-operation',
  O: 'previous-operation',
  i: 'structure',
  x: 'bytes',
  h: 'help',
  '?': 'help',
  q: 'quit',
}

/** What a line means; `undefined` if it is no command. */
export function parsedCommand(line: string): StepCommand | undefined {
  const text = line.trim()
  if (Object.hasOwn(LETTERS, text)) return { do: LETTERS[text] }
  const rest = text.slice(1).trim()
  if (text.startsWith('/') && rest !== '') return { do: 'next-of', type: rest }
  if (text.startsWith('\\') && rest !== '') return { do: 'previous-of', type: rest }
  if (/^\d+$/.test(text)) return { do: 'go', number: Number(text) }
  if (text.startsWith('p ') && rest !== '') return { do: 'guess', text: rest }
  const [, name = '', offset = '0'] = /^f(?: +(\S+))?(?: +(\d+))?$/.exec(text) ?? []
  return text === 'f' || name !== '' ? { do: 'file', name, offset: Number(offset) } : undefined
}
