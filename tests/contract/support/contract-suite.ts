/**
 * The contract test suite: every promise of `src/engine/contract.ts`, as tests that an engine passes or fails.
 *
 * To test a custom engine with it, write a test file for vitest like this one and run `npx vitest run` on it:
 *
 * ```ts
 * import { engineContract } from './contract-suite.js'
 * import { engineModel } from './model.js'
 * import { memoryPlace } from './places.js'
 * import { myEngine } from '../../my-engine.js'
 *
 * const subject = { name: 'mine', factory: myEngine, options: { someBuffer: 16_384 }, place: memoryPlace }
 * engineContract(subject)
 * engineModel(subject)
 * ```
 *
 * `place` makes a fresh place for each test; `memoryPlace` is one in memory with a simulated clock, `nodePlace` a
 * temporary directory on disk. Give options that make buffers and files small: then the tests push data through every
 * part of the engine. Run it once for each set of options that changes how the engine works. The tests that reopen an engine skip one that is not
 * `durable`. `engineModel` compares the engine with an oracle on random
 * histories; `soak.ts` does so for as long as you like.
 */
import { describe } from 'vitest'
import { changePromises } from './change-promises.js'
import { checkpointPromises } from './checkpoint-promises.js'
import { clearPromises } from './clear-promises.js'
import { cursorPromises } from './cursor-promises.js'
import { expiryPromises } from './expiry-promises.js'
import { lifePromises } from './life-promises.js'
import { longKeyPromises } from './long-key-promises.js'
import { numberPromises } from './number-promises.js'
import type { ContractSubject } from './opened-engine.js'
import { preconditionPromises } from './precondition-promises.js'
import { snapshotPromises } from './snapshot-promises.js'
import { writePromises } from './write-promises.js'

export type { ContractPlace, ContractSubject } from './opened-engine.js'

export function engineContract(subject: ContractSubject): void {
  describe(`the engine contract: ${subject.name}`, () => {
    writePromises(subject)
    longKeyPromises(subject)
    cursorPromises(subject)
    snapshotPromises(subject)
    clearPromises(subject)
    expiryPromises(subject)
    preconditionPromises(subject)
    lifePromises(subject)
    numberPromises(subject)
    // Checkpoints and a feed of changes are optional.
    if (subject.factory.durable) checkpointPromises(subject)
    if ('changesRetainBytes' in subject.factory.options) changePromises(subject)
  })
}
