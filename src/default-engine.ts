/** The engine of a store for which none is named: the first of the built-in ones. Apart from them, since a page whose store is in a worker loads no engine. */
export const DEFAULT_ENGINE = 'lsm'
