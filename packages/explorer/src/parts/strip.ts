/**
 * TypeScript as JavaScript that can be called: types are taken away, imports become calls of `require`, exports properties of `exports`. Every
 * line keeps its number.
 *
 * Sucrase does it: of what strips types in a page it is the smallest by far (the compiler of TypeScript, esbuild and swc have megabytes), and
 * knows all syntax that a learner's file may have, enums too. It lets some mistakes pass, for which acorn finds the place.
 */
import { transform } from 'sucrase'
import { PartError, type Place } from './part-settings.js'

/** @throws PartError with the place of the first mistake in the syntax. */
export async function strip(source: string): Promise<string> {
  let code: string
  try {
    // The syntax stays as it is otherwise: engines know all of it.
    code = transform(source, { transforms: ['typescript', 'imports'], disableESTransforms: true }).code
  } catch (error) {
    throw mistake(error)
  }
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- only compiled
    new Function(code)
  } catch (error) {
    throw (await located(code, source)) ?? mistake(error)
  }
  return code
}

/** The first mistake that acorn finds in what came of a source. */
async function located(code: string, source: string): Promise<PartError | undefined> {
  const { parse } = await import('acorn')
  try {
    parse(code, { ecmaVersion: 'latest', sourceType: 'script', allowReturnOutsideFunction: true })
    return undefined
  } catch (error) {
    const found = mistake(error, 0)
    if (found.place === undefined) return found
    const { line } = found.place
    // A line that has lost its types has other columns.
    const isSame = code.split('\n')[line - 1] === source.split('\n')[line - 1]
    return isSame ? found : new PartError(found.message, { line })
  }
}

/** Both say the place in the message, and have it as `loc`; columns of sucrase count from 1. */
function mistake(error: unknown, firstColumn = 1): PartError {
  const { message, loc } = error as { readonly message: string; readonly loc?: Required<Place> }
  const text = message.replace(/^Error transforming [^:]*: /, '').replace(/ \(\d+:\d+\)$/, '')
  return new PartError(text, loc && { line: loc.line, column: loc.column + 1 - firstColumn }, { cause: error })
}
