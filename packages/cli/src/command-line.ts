/** The command line, quoted where a shell needs it. */
export function commandLine(parameters: readonly string[]): string {
  const quoted = (word: string): string => (/^[\w./:=,+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
  return ['kvarium', ...parameters].map(quoted).join(' ')
}
