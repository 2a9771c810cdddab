/** Hazards: an exported page that replays another run, or another state, than the explorer showed; that opens elsewhere; in which a key becomes markup. */
import { beforeAll, describe, expect, it } from 'vitest'
import { linesOf } from '../../packages/explorer/src/run/scenario.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { Replay } from '../../packages/lab/src/replay/replay.js'
import type { Item } from '../../packages/lab/src/replay/items.js'
import { foundOf, itemsOf, type StoredRecording } from '../../packages/lab/src/replay/stored-recording.js'
import { SETTINGS } from './support/settings.js'

const SCRIPT = 'document.title'

/** What an exported page holds. */
function storedIn(page: string): StoredRecording {
  const [, json] = /<script id="recording" type="application\/json">(.*?)<\/script>/s.exec(page)!
  return JSON.parse(json) as StoredRecording
}

function sentenceOf(item: Item): string {
  if (item.kind === 'call') return `${item.store}: ${item.text}`
  return 'text' in item ? item.text : ''
}

const CRASHING = [
  'put <img/src=x/onerror=alert(1)> "</script><b>" sync',
  'random 120',
  'flush',
  'put lost soon',
  'crash lsm event 900 none',
  'get lost',
  'reopen',
]

describe('a run, exported as the page that replays it', () => {
  let session: Session
  let moments: number
  let stored: StoredRecording
  let page: string
  beforeAll(async () => {
    session = new Session(undefined, { loadReplayView: async () => SCRIPT })
    await session.begin(SETTINGS)
    ;({ moments } = await session.add(linesOf(CRASHING)))
    page = await session.replayPage(77)
    stored = storedIn(page)
  })

  it('has the sentences of every moment of all lanes, and opens at the position', async () => {
    const { lanes } = await session.look({ position: 0 })
    const items = itemsOf(stored)
    expect(items).toHaveLength(moments)
    expect(stored.position).toBe(76)
    const { around } = await session.look({ position: moments, pictures: [], around: moments })
    expect(around).toHaveLength(moments)
    for (const { position, kind, lane, sentence } of around) {
      const item = items[position - 1]
      expect([item.kind, 'store' in item && item.store], `position ${position}`).toEqual([kind, lanes[lane].name])
      const shown = kind === 'call' ? `${lanes[lane].name}: ${sentence}` : sentence
      if (kind === 'return') expect(shown).toContain(sentenceOf(item).replace(/^failed: /, ''))
      else expect(sentenceOf(item)).toBe(shown)
    }
  })

  it('has the structures and the files that the explorer shows, also after a crash', async () => {
    const replay = new Replay(itemsOf(stored), foundOf(stored))
    for (const position of [300, 1200, moments]) {
      const { lanes } = await session.look({ position, pictures: ['levels', 'pages'] })
      for (const { name, engine, pictures } of lanes) {
        const shape = replay.structure(name, position - 1)
        if (engine === 'lsm') expect(pictures.levels).toMatchObject(shape as object)
        else expect(pictures.pages?.shape).toEqual(shape)
      }
    }
    const { lanes } = await session.look({ position: moments, pictures: ['files'] })
    for (const { name, pictures } of lanes) {
      const sizes = pictures.files!.files.map(file => [file.name, file.bytes])
      expect(replay.files(name, moments - 1).map(file => [file, replay.file(name, file, moments - 1)!.bytes.length])).toEqual(sizes)
    }
  })

  it('asks no network, runs no script but its own, and no key of it becomes markup', () => {
    expect(page).toMatch(
      /Content-Security-Policy" content="default-src &#39;none&#39;|Content-Security-Policy" content="default-src 'none'/,
    )
    expect(page).not.toContain('<img')
    expect(page).not.toContain('<b>')
    expect(page.match(/<script/g)).toHaveLength(2)
  })

  it('replays a recording, too, and says where there is nothing in it', async () => {
    const trace = await session.trace(1)
    const other = new Session(undefined, { loadReplayView: async () => SCRIPT })
    const opened = await other.openFiles([{ name: 'btree.jsonl', contents: new Blob([trace]) }])
    const again = itemsOf(storedIn(await other.replayPage(opened.moments)))
    const original = itemsOf(stored).filter(item => item.kind === 'event' && item.store === 'btree')
    expect(again.map(sentenceOf)).toEqual(original.map(sentenceOf))
    await other.openFiles([{ name: 'empty.jsonl', contents: new Blob(['{"kvarium-trace":1}\n']) }])
    await expect(other.replayPage(0)).rejects.toThrow('There is nothing to replay: the recording has no events')
  })
})
