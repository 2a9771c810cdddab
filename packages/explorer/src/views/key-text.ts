/** Keys as drawings show them: the runs of the page have text for keys. */
const decoder = new TextDecoder()

export function keyText(key: Uint8Array): string {
  return decoder.decode(key)
}
