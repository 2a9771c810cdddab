import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RIGHT, type Axis } from '../../../packages/lab/src/report/charts/frame.js'
import { scatterChart } from '../../../packages/lab/src/report/charts/scatter-chart.js'
import { renderHtml } from '../../../packages/lab/src/report/html-page.js'
import { designMap, dominates, frontierOf, weightsOf, type Place } from '../../../packages/lab/src/report/map/design-map.js'
import { mapSentences, optionsToCopy } from '../../../packages/lab/src/report/map/map-text.js'
import { renderMarkdown } from '../../../packages/lab/src/report/markdown.js'
import { parseRunReport } from '../../../packages/lab/src/report/parse-run-report.js'
import type { RunReport } from '../../../packages/lab/src/report/run-report.js'
import { renderTerminal } from '../../../packages/lab/src/report/terminal.js'
import { withVerdict } from '../../../packages/lab/src/report/verdict-report.js'
import { SeededRandom } from '../../../src/vfs/seeded-random.js'
import { smallMap } from './support/small-map.js'

const points = { 'lsm-tiered': [2, 6, 2], 'lsm-leveled': [4, 4, 1.2], btree: [12, 2, 1.4], 'btree-worse': [13, 2, 1.5] } as const
const map = smallMap(points)

describe('the frontier', () => {
  const amount = fc.integer({ min: 0, max: 6 })
  const place: fc.Arbitrary<Place> = fc.record({ write: amount, read: amount, space: amount })

  it('no point of it is beaten, and every other point is, by one of it', () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 40 }), places => {
        const frontier = frontierOf(places, one => one)
        for (const one of places) {
          const isBeaten = frontier.some(other => dominates(other, one))
          expect(frontier.includes(one)).toBe(!isBeaten)
        }
      }),
      { seed: 7, numRuns: 300 },
    )
  })

  it('the best of any weights is on it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(amount, amount, amount), { minLength: 1, maxLength: 12 }),
        fc.tuple(amount, amount, amount),
        (all, factors) => {
          const named = Object.fromEntries(all.map((amounts, index) => [`btree-${index}`, amounts]))
          const [write, read, space] = factors
          const design = designMap(smallMap(named, { write, read, space }))!
          for (const { product } of [...design.frontier, ...design.others])
            expect(product).toBeGreaterThanOrEqual(design.suggested.product - 1e-9)
        },
      ),
      { seed: 8, numRuns: 50 },
    )
  })

  it('a point with a wrong answer has no place on the map', () => {
    const [first, ...others] = map.engines
    const failed = { ...first, verification: { ...first.verification, problemCount: 1, problems: [{ kind: 'read', message: 'wrong' }] } }
    const design = designMap({ ...map, engines: [failed, ...others] })!
    expect([...design.frontier, ...design.others].map(({ engine }) => engine.name)).not.toContain('lsm-tiered')
    expect(mapSentences({ ...map, engines: [failed] })).toEqual(['No point of the map was measured without problems'])
  })
})

describe('the suggestion', () => {
  it('weighs writes and reads by their shares of the calls, space by a half, and each by what the user gave', () => {
    expect(weightsOf(map.map!)).toEqual({ write: 0.75, read: 0.25, space: 0.5 })
    expect(weightsOf({ mix: { reads: 1, writes: 3 }, weigh: { write: 2, read: 0, space: 4 } })).toEqual({ write: 1.5, read: 0, space: 2 })
    expect(weightsOf({ mix: { reads: 0, writes: 0 }, weigh: { write: 1, read: 1, space: 1 } })).toEqual({
      write: 0.5,
      read: 0.5,
      space: 0.5,
    })
  })

  it('has the smallest product of the factors over the least, each raised to its weight', () => {
    // Over the least (2, 2, 1.2): tiered 3^0.25 × 1.67^0.5 = 1.70, leveled 2^0.75 × 2^0.25 = 2, btree 6^0.75 × 1.17^0.5 = 4.14.
    expect(designMap(map)!.suggested).toMatchObject({ engine: { name: 'lsm-tiered' }, product: expect.closeTo(1.699, 3) as number })
    expect(designMap(smallMap(points, { write: 0, read: 9, space: 1 }))!.suggested.engine.name).toBe('btree')
    expect(designMap(smallMap(points, { write: 1, read: 1, space: 20 }))).toMatchObject({
      suggested: { engine: { name: 'lsm-leveled' } },
      corner: 'memory',
    })
  })

  it('says which corner, why, by which rule, and what is not on the map', () => {
    expect(mapSentences(map)).toEqual([
      'This workload wants the update corner of read, update and memory: 75 % of its calls write and the others read, which gives the weights write 0.75, read 0.25, space 0.50',
      'lsm-tiered fits it best: it writes 2.00 bytes per byte (the least), reads 6.00 bytes per byte asked for (3.00× the least) and takes 2.00 bytes of files per live byte (1.67× the least). With each factor over the least raised to its weight, no other product is as small',
      'Left out 1 point, as another point is simulated to be no worse in writes, reads and space, and 1.5 times better in one of them: lsm-leveled-T99',
      'Left out 1 point, as the time was up: btree-p64K',
    ])
    expect(mapSentences(smallMap(points, { write: 1, read: 3, space: 1 }))[0]).toMatch(
      /^This workload lies between the read and the update corner .*, with your --weigh read=3.00$/,
    )
  })

  it('counts one and many', () => {
    const resumed = (count: number) => mapSentences({ ...map, map: { ...map.map!, resumed: count } }).at(-1)
    expect(resumed(1)).toBe('1 point was measured by the run that this one resumed')
    expect(resumed(2)).toBe('2 points were measured by the run that this one resumed')
    expect(mapSentences({ ...map, map: { ...map.map!, mix: { reads: 3, writes: 0 } } })[0]).toContain(
      ': all of its calls read, which gives',
    )
  })

  it('its options are JavaScript', () => {
    expect(optionsToCopy(map.engines[0])).toBe(
      "new Kvarium('./store', {\n  engine: 'lsm',\n  compaction: 'tiered',\n  fanOut: 4,\n  writeBufferSize: 65536,\n})",
    )
  })

  it('the JSON has the verdict and comes back as it was', () => {
    const report = withVerdict(map)
    expect(report.verdict!.map).toEqual({
      frontier: ['lsm-tiered', 'lsm-leveled', 'btree'],
      suggested: 'lsm-tiered',
      corner: 'update',
      weights: { write: 0.75, read: 0.25, space: 0.5 },
    })
    expect(report.verdict!.sentences).toEqual(mapSentences(map))
    expect(parseRunReport(JSON.stringify(report))).toEqual(report)
  })
})

describe('the drawing', () => {
  it('every point is drawn, those on the frontier with a number and a line to their prediction, in two drawings with their tables', () => {
    const html = renderHtml(map)
    for (const id of ['map-write-read', 'map-write-space']) {
      const figure = html.slice(html.indexOf(`id="f-${id}"`), html.indexOf('</figure>', html.indexOf(`id="f-${id}"`)))
      expect(figure.match(/class="point"/g)).toHaveLength(1)
      expect(figure.match(/class="point best"/g)).toHaveLength(3)
      expect(figure.match(/class="ring"/g)).toHaveLength(1)
      expect(figure.match(/class="foreseen /g)).toHaveLength(2)
      expect(figure.match(/<tr>/g)).toHaveLength(5)
      expect(figure).toContain('<th scope="row">lsm-tiered</th><td>1, suggested</td><td>2.00×</td><td>2.20×</td>')
    }
    expect(html).toContain('<pre tabindex="0" aria-label="suggested options">new Kvarium(')
    expect(html).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('points in one place, or at 0, are drawn', () => {
    const html = renderHtml(smallMap({ a: [1, 0, 1], b: [1, 0, 1] }))
    expect(html).not.toMatch(/NaN|undefined|Infinity/)
    expect(html.match(/class="point best"/g)).toHaveLength(4)
  })

  it('numbers of points that lie close, or in a corner, cover no other number and stay in the plot', () => {
    const axis: Axis = { label: '', format: String, domain: [0, 100] }
    const random = new SeededRandom(5)
    for (const [corner, count, spread] of [
      [50, 12, 0],
      [50, 12, 1],
      [50, 12, 4],
      [100, 6, 0],
      [100, 6, 4],
    ]) {
      const points = Array.from({ length: count }, (_, index) => {
        const [x, y] = [corner - random.uniform(1 + spread), 100 - corner + random.uniform(1 + spread)]
        return { title: '', look: 0, x, y, share: 0.5, label: String(index + 1), isRinged: false }
      })
      const about = { id: 'close', title: '', description: '' }
      const chart = scatterChart({ ...about, x: axis, y: axis, families: [{ name: 'a', look: 0 }], points }).markup
      const places = [...chart.matchAll(/class="value number" x="([\d.]+)" y="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)])
      expect(places).toHaveLength(count)
      for (const [index, [x, y]] of places.entries()) {
        expect(x).toBeLessThan(RIGHT)
        for (const [otherX, otherY] of places.slice(0, index))
          expect(Math.abs(x - otherX) >= 14.8 || Math.abs(y - otherY) >= 11.8, `${index} of ${spread} at ${corner}`).toBe(true)
      }
    }
  })

  it('Markdown has the drawings as files, the terminal the frontier with its options', () => {
    const { markdown, drawings } = renderMarkdown(map)
    expect([...drawings.keys()]).toEqual(['map-write-read.svg', 'map-write-space.svg'])
    expect(drawings.get('map-write-read.svg')).toContain('.foreseen{')
    expect(markdown).toContain('```js\nnew Kvarium(')
    expect(markdown).toContain('| 1 lsm-tiered (suggested) | 2.00×<br>predicted 2.20× |')
    const terminal = renderTerminal(map)
    expect(terminal).toContain('3 btree ')
    expect(terminal).toContain(
      '      compaction tiered, fanOut 4, writeBufferSize 64 KiB\n      predicted: write 2.20×, read 7.00×, space 7.00×\n',
    )
    expect(terminal).not.toContain('btree-worse ')
    for (const text of [markdown, terminal]) expect(text).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('names from a file never become markup', () => {
    const evil = '"><img src=x onerror=alert(1)>'
    const [first, ...others] = map.engines
    const hostile: RunReport = { ...map, engines: [{ ...first, name: evil, engine: evil, options: { [evil]: evil } }, ...others] }
    const html = renderHtml({ ...hostile, map: { ...map.map!, leftOut: [{ name: evil, why: 'budget' }] } })
    expect(html).not.toContain('<img')
  })
})
