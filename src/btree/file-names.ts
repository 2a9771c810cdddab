import type { FileNames } from '../vfs/file-classes.js'

export const DATA_FILE = 'data.btree'

/** Every name that the engine gives to a file. */
export const BTREE_FILES: FileNames = { log: /^\d{6,16}\.log$/, page: /^data\.btree$/ }
