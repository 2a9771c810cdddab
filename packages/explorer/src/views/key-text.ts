/** Keys as pictures have them, as text: the runs of the page have text for keys. Drawings show them by `wordText`, as lines do. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export function keyText(key: Uint8Array): string {
  return decoder.decode(key)
}
