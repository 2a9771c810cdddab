/** Which lane is about to be forked. */
import { signal } from '@preact/signals'

/** Its index. */
export const forking = signal<number | undefined>(undefined)
