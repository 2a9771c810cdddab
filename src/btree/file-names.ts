export const DATA_FILE = 'data.btree'

/** Every name that the engine gives to a file. */
export const FILE_NAMES = /^(data\.btree|\d{6,16}\.log)$/
