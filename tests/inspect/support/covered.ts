/** What has to hold for the spans of any file, and looking into files that are in memory. */
import { inspectFile, type Fact, type Outline, type Problem, type Span } from '../../../src/inspect/index.js'
import { MemoryFileSystem } from '../../../src/vfs/index.js'
import { nodeDeflate } from '../../../src/vfs/node/node-deflate.js'

export interface Looked {
  readonly kind: string
  readonly title: string
  readonly parts: readonly Span[]
  readonly problems: readonly Problem[]
  readonly facts: readonly Fact[]
  readonly outline: readonly Outline[]
}

export async function look(name: string, bytes: Uint8Array): Promise<Looked> {
  const fileSystem = new MemoryFileSystem()
  const file = fileSystem.create(name)
  file.write(bytes, 0)
  file.close()
  const inspection = await inspectFile(name, { fileSystem, deflate: nodeDeflate })
  try {
    const parts = [...inspection.parts()]
    const outline = [...inspection.outline()]
    return { kind: inspection.kind, title: inspection.title, parts, problems: inspection.problems, facts: inspection.facts(), outline }
  } finally {
    inspection.close()
  }
}

/** Why the spans do not cover `[start, end)` exactly, or `undefined` if they do. */
export function coverageFault(spans: readonly Span[], start: number, end: number, path = ''): string | undefined {
  let at = start
  for (const span of spans) {
    const name = `${path} / ${span.name}`
    if (span.offset !== at) return `${name} begins at ${span.offset}, not at ${at}`
    if (span.length <= 0) return `${name} has ${span.length} bytes`
    const { children, decompressed } = span
    if (children !== undefined && children.length > 0) {
      const fault = coverageFault(children, span.offset, span.offset + span.length, name)
      if (fault !== undefined) return fault
    }
    if (decompressed !== undefined) {
      const fault = coverageFault(decompressed.spans, 0, decompressed.bytes.length, `${name} (decompressed)`)
      if (fault !== undefined) return fault
    }
    at = span.offset + span.length
  }
  return at === end ? undefined : `${path} ends at ${at}, not at ${end}`
}

/** The spans that a byte is in, from the part of the file down. */
export function spansAt(spans: readonly Span[], offset: number): Span[] {
  const span = spans.find(candidate => candidate.offset <= offset && offset < candidate.offset + candidate.length)
  return span === undefined ? [] : [span, ...spansAt(span.children ?? [], offset)]
}
