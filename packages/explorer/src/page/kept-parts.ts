/** The learner's files, kept in the browser by exercise. Where it keeps nothing, they last as long as the page. */

/** The version of what is kept: the file's text alone. */
const PREFIX = 'kvarium explorer part 1: '

/** The largest file that is kept or brought, in characters. */
export const MOST_CHARACTERS = 200_000

export function keptPart(exercise: string): string | undefined {
  try {
    return localStorage.getItem(PREFIX + exercise) ?? undefined
  } catch {
    return undefined
  }
}

/** Whether it is kept. */
export function keepPart(exercise: string, source: string): boolean {
  if (source.length > MOST_CHARACTERS) return false
  try {
    localStorage.setItem(PREFIX + exercise, source)
    return true
  } catch {
    return false
  }
}

export function forgetPart(exercise: string): void {
  try {
    localStorage.removeItem(PREFIX + exercise)
  } catch {
    // Nothing is kept where this fails.
  }
}
