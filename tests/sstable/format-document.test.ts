import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { buildTable, bytesOf, del, put } from './support/built-table.js'

describe('the format document', () => {
  it('the worked example is byte for byte what the builder writes', () => {
    const text = readFileSync(new URL('../../docs/formats/sstable.md', import.meta.url), 'utf8')
    const dump = /```hex\n([\s\S]*?)```/.exec(text)![1]
    const documented = dump
      .trimEnd()
      .split('\n')
      .flatMap(line => line.slice(10, 57).trim().split(' '))
    const entries = [put('apple', 3, 'red'), del('apricot', 2), put('banana', 1, 'yellow')]
    const { image } = buildTable(entries, { blockBytes: 60 }, [{ first: bytesOf('cat'), last: bytesOf('cow'), sequence: 4 }])
    expect(Array.from(image, byte => byte.toString(16).padStart(2, '0'))).toEqual(documented)
  })
})
