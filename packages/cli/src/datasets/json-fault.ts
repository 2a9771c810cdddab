/** The next token at a place: a string, a number, a word or a sign; none if nothing there can be a part of JSON. */
const TOKEN =
  /[\t\n\r ]*(?:("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([[\]{},:]))/y
const BLANK = /[\t\n\r ]*/y

/** What may come next. */
type Expected = 'value' | 'value or ]' | 'key or }' | 'key' | 'colon' | 'comma'

/** Where a text stops to be JSON, as an index into it; `undefined` if it is JSON. Not every message of `JSON.parse` says it. */
export function faultOf(text: string): number | undefined {
  const open: string[] = []
  let expected: Expected = 'value'
  for (let at = 0; ;) {
    BLANK.lastIndex = at
    BLANK.exec(text)
    const start = BLANK.lastIndex
    if (open.length === 0 && expected === 'comma') return start === text.length ? undefined : start
    TOKEN.lastIndex = start
    const match = TOKEN.exec(text)
    if (match === null) return start
    const next = follow(expected, match[1] !== undefined ? 'string' : match[2] !== undefined ? 'scalar' : match[3], open)
    if (next === undefined) return start
    expected = next
    at = TOKEN.lastIndex
  }
}

/** What may come behind a token; `undefined` if the token may not be here. */
function follow(expected: Expected, token: string, open: string[]): Expected | undefined {
  const takesValue = expected === 'value' || expected === 'value or ]'
  switch (token) {
    case 'string':
      if (expected === 'key' || expected === 'key or }') return 'colon'
      return takesValue ? 'comma' : undefined
    case 'scalar':
      return takesValue ? 'comma' : undefined
    case '{':
    case '[':
      if (!takesValue) return undefined
      open.push(token)
      return token === '{' ? 'key or }' : 'value or ]'
    case '}':
      return open.pop() === '{' && (expected === 'comma' || expected === 'key or }') ? 'comma' : undefined
    case ']':
      return open.pop() === '[' && (expected === 'comma' || expected === 'value or ]') ? 'comma' : undefined
    case ':':
      return expected === 'colon' ? 'value' : undefined
    default:
      if (expected !== 'comma') return undefined
      return open.at(-1) === '{' ? 'key' : 'value'
  }
}
