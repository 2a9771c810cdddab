/** What events say of one page of a B+tree in short: who made it, what was done with it, and what became of it. */
import type { Named } from './named.js'

export function pageSummary(page: number, named: readonly Named[]): readonly string[] {
  const said: string[] = []
  let visits = 0
  let changes = 0
  for (const { event, by: who } of named) {
    switch (event.type) {
      case 'page.new':
        if (event.page !== page) said.push(`Page ${event.page} took its place, made by ${who}: what is durable or held is never changed.`)
        else if (event.copyOf === undefined)
          said.push(`Made by ${who}${event.level === 0 ? ', as a leaf' : `, as a branch at level ${event.level}`}.`)
        else said.push(`Made by ${who}, as a copy of page ${event.copyOf}.`)
        break
      case 'page.visit':
        visits++
        break
      case 'page.change':
        changes++
        break
      case 'page.split':
        if (event.page === page) said.push(`Split by ${who}: pages ${event.into.join(', ')} share its entries.`)
        break
      case 'page.merge':
        if (event.rule === 'merge') said.push(`Merged by ${who}: page ${event.into[0]} has the entries of ${event.pages.join(' and ')}.`)
        break
      case 'page.write':
        said.push(`Written at unit ${event.offset} by ${who}.`)
        break
      case 'page.drop':
        said.push(`Taken out of the tree by ${who}.`)
        break
      case 'page.free':
        said.push('In the end nothing needed it any more.')
        break
      default:
        break
    }
  }
  if (changes > 0) said.push(changes === 1 ? 'Changed once.' : `Changed ${changes} times.`)
  if (visits > 0) said.push(visits === 1 ? 'A search came to it once.' : `Searches came to it ${visits} times.`)
  return said
}
