/** `kvarium/inspect`: what is in the files of a store, as plain data, down to the byte. Portable: files are reached through the source. */
export { hexRows, type HexOptions, type HexRow } from './annotated-hex.js'
export type { FileKind } from './identify.js'
export type { PartRange } from './inspected-file.js'
export { inspectDirectory, type DirectoryFile, type DirectoryInspection } from './inspect-directory.js'
export { FileInspection, inspectFile, type FileInspectionOptions, type InspectionSource } from './inspect-file.js'
export { showBytes } from './show-bytes.js'
export type { Fact, Outline, Problem, Span } from './span.js'
