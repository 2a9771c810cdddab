import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { buildTable, bytesOf, del, put } from './support/built-table.js'

const text = readFileSync(new URL('../../docs/formats/sstable.md', import.meta.url), 'utf8')

/** The bytes of the dump in a fenced block of the document. */
function documentedIn(fence: string): string[] {
  const dump = new RegExp(`\`\`\`${fence}\\n([^\`]*)\`\`\``).exec(text)![1]
  return dump
    .trimEnd()
    .split('\n')
    .flatMap(line => line.slice(10, 57).trim().split(' '))
}

function hexOf(bytes: Uint8Array): string[] {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0'))
}

describe('the format document', () => {
  it('the worked example is byte for byte what the builder writes', () => {
    const entries = [put('apple', 3, 'red'), del('apricot', 2), put('banana', 1, 'yellow')]
    const { image } = buildTable(entries, { blockBytes: 60 }, [{ first: bytesOf('cat'), last: bytesOf('cow'), sequence: 4 }])
    expect(hexOf(image)).toEqual(documentedIn('hex'))
  })

  it('the worked example of a compressed block is what the builder writes', () => {
    const { image, properties } = buildTable([put('key', 1, 'abcabcabc'.repeat(6))], { compression: 'lz4' })
    expect(hexOf(image.subarray(0, properties.dataBytes))).toEqual(documentedIn('hex-lz4'))
  })
})
