import { memoryEngine } from '../../src/engine/memory-engine.js'
import { engineContract } from './contract-suite.js'
import { memoryPlace } from './places.js'

// The smallest arena, so that it is replaced again and again.
engineContract({ name: 'memory', factory: memoryEngine, options: { arenaSize: 4096 }, place: memoryPlace })
