/** Names of snapshots, transactions and lanes as messages have them: in quotes, no longer than a line. */
import { quotedText, shortText } from 'kvarium/observe'

const LONGEST = 60
const MOST_NAMES = 8

export function quotedName(name: string): string {
  return shortText(quotedText(name), LONGEST)
}

/** The first ones, and how many more there are. */
export function someNames(all: Iterable<string>): string {
  const names = [...all]
  const more = names.length - MOST_NAMES
  return names.slice(0, MOST_NAMES).map(quotedName).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
