/** A B+tree read from its file: its pages, and a drawing of them. */
import { readMeta } from '../../src/btree/pages/meta-page.js'
import { Reference } from '../../src/btree/pages/reference.js'
import { loadHash32 } from '../../src/codec/checksum.js'
import { MutableBlock } from '../../src/codec/mutable-block.js'
import { Cell } from '../../src/codec/sorted-block.js'
import { textOfBytes } from '../../src/codec/shown-text.js'
import type { Environment } from '../../src/vfs/environment.js'
import type { FileHandle } from '../../src/vfs/file-system.js'

export interface TreePage {
  /** 0 is a leaf. */
  readonly level: number
  /** Offset in the file, in bytes. */
  readonly offset: number
  readonly bytes: number
  /** Bytes for entries, their slots, the prefix and the header. */
  readonly usedBytes: number
  /** Keys of a branch without the first one, which bounds nothing. */
  readonly keys: readonly string[]
  readonly children: readonly TreePage[]
}

/** The tree of the last checkpoint, from its root down. */
export async function readTree(path: string, { fileSystem }: Environment): Promise<TreePage> {
  const hash32 = await loadHash32()
  const file = fileSystem.openRead(path)
  try {
    const { root, height, unitBytes } = readMeta(file, hash32)
    return readPage(file, root, height - 1, unitBytes)
  } finally {
    file.close()
  }
}

function readPage(file: FileHandle, { offset: unit, units }: Reference, level: number, unitBytes: number): TreePage {
  const bytes = new Uint8Array(units * unitBytes)
  const offset = unit * unitBytes
  file.read(bytes, offset)
  const block = new MutableBlock(bytes, bytes.length, file.path, offset)
  const cell = new Cell()
  const slots = Array.from({ length: block.count }, (_, slot) => slot)
  const children = slots.map(slot => {
    block.readCell(slot, cell)
    return level === 0 ? [] : [readPage(file, new Reference().read(bytes, cell.payloadStart), level - 1, unitBytes)]
  })
  const keys = slots.slice(level === 0 ? 0 : 1).map(slot => textOfBytes(block.keyAt(slot))!)
  return { level, offset, bytes: bytes.length, usedBytes: block.usedBytes, keys, children: children.flat() }
}

/** Pages of a level, from the first to the last. */
export function pagesAt(root: TreePage, level: number): TreePage[] {
  return root.level === level ? [root] : root.children.flatMap(child => pagesAt(child, level))
}

const GAP = 3

/** A line for each level. Leaves are `[their keys]`; above them lies a branch, each of its keys over the gap between two children. */
export function drawTree(page: TreePage): string[] {
  if (page.level === 0) return [`[${page.keys.join(' ')}]`]
  const drawings = page.children.map(drawTree)
  const widths = drawings.map(lines => Math.max(...lines.map(line => line.length)))
  const below = Array.from({ length: page.level }, (_, line) =>
    drawings.map((lines, child) => lines[line].padEnd(widths[child])).join(' '.repeat(GAP)),
  )
  let own = '('
  let end = 0
  for (const [index, key] of page.keys.entries()) {
    end += widths[index] + (index === 0 ? 0 : GAP)
    const label = ` ${key} `
    own = own.padEnd(Math.round(end + GAP / 2 - label.length / 2), '-') + label
  }
  return [`${own.padEnd(below[0].length - 1, '-')})`, ...below]
}
