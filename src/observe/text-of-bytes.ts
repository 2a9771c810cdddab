const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The bytes decoded as UTF-8; `undefined` if they are not valid. */
export function textOfBytes(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
