/** The class of a file decides which part of the ledger its bytes are counted in. A file is classified by its name. */

/** A log; a table of sorted entries, written once; pages that are read and written one by one; what says which of these are in force. */
export type FileClass = 'log' | 'table' | 'page' | 'meta'

/** The names, without directory, of the files of each class. A name matches at most one of the expressions. */
export type FileNames = Readonly<Partial<Record<FileClass, RegExp>>>

/** The class of the file with that name, or `undefined` for a file that none of the expressions matches. */
export function fileClassOf(files: FileNames, name: string): FileClass | undefined {
  return (Object.keys(files) as FileClass[]).find(fileClass => files[fileClass]!.test(name))
}
