/** One stop of the stepper as text for a terminal. */
import { fieldsOf, ownerOf } from '../../packages/lab/src/replay/event-fields.js'
import type { Stepper } from '../../packages/lab/src/replay/stepper.js'
import { typeOf } from '../../packages/lab/src/replay/stepper.js'
import { show, wrap } from './transcript.js'

/** The position and what happens there. */
export function stopText(stepper: Stepper): string {
  const { item, position, last, call } = stepper
  const place = [`${position + 1} of ${last + 1}`, typeOf(item)]
  if (item.kind === 'event') place.push(item.store, ownerOf(item.event))
  if (item.kind === 'event' && call !== undefined) place.push(call.text)
  const heading = `-- ${place.filter(Boolean).join(' | ')}`
  return [heading, ...bodyOf(stepper)].join('\n')
}

function bodyOf({ item, guessed }: Stepper): string[] {
  if (item.kind === 'event') {
    const fields = fieldsOf(item.event).map(({ name, value }) => `${name} ${value}`)
    return [item.text, ...(fields.length === 0 ? [] : [`[${fields.join('; ')}]`])].map(text => `  ${wrap(text, '  ')}`)
  }
  const guess = item.kind === 'reveal' && guessed !== undefined ? [`  Your guess: ${guessed}`] : []
  const text = show(item) ?? '  = done'
  return [...guess, text.replace(/^\n/, '')]
}
