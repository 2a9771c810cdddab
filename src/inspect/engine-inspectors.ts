/** The list of the built-in engines whose files can be shown down to the byte. */
import { btreeInspector } from './btree/btree-inspector.js'
import type { EngineInspector, FileFormat } from './engine-inspector.js'
import { hashInspector } from './hash/hash-inspector.js'
import { lsmInspector } from './lsm/lsm-inspector.js'

export const INSPECTORS: readonly EngineInspector[] = [lsmInspector, btreeInspector, hashInspector]

export const FORMATS: readonly FileFormat[] = INSPECTORS.flatMap(({ formats }) => formats)

/** The format whose files have such names. */
export function formatByName(name: string): FileFormat | undefined {
  return FORMATS.find(format => format.parseName(name) !== undefined)
}
