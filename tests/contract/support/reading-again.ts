import type { EngineFactory } from '../../../src/engine/contract.js'

/** An engine whose keys are got again and again right before each change of them, so that a cache of entries is on and has them. */
export function readingAgain(factory: EngineFactory): EngineFactory {
  return {
    ...factory,
    async open(context) {
      const engine = await factory.open(context)
      const [write, clear, ingest] = [engine.write.bind(engine), engine.clear.bind(engine), engine.ingest?.bind(engine)]
      let keys: Uint8Array[] = []
      const readAgain = (): void => {
        for (const key of keys) for (let i = 0; i < 4; i++) engine.get(key)
      }
      engine.write = (batch, options) => {
        batch.seal(0)
        const reader = batch.reader()
        keys = []
        while (reader.next() && keys.length < 8) keys.push(reader.key.copy())
        readAgain()
        return write(batch, options)
      }
      engine.clear = (range, options) => {
        readAgain()
        return clear(range, options)
      }
      if (ingest === undefined) return engine
      engine.ingest = batches => {
        readAgain()
        return ingest(batches)
      }
      return engine
    },
  }
}
