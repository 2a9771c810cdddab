/**
 * Hazards: a page that shows another run than Node, in which keys or the screen reader get stuck, that is wider than a phone, or that asks the
 * network.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { chromium, type Browser, type Locator, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeScenario, encodeScenario, linesOf } from '../../packages/explorer/src/run/scenario.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { buildExplorer } from '../../scripts/explorer.js'
import { serve, type Served } from '../../site/serve.js'
import { Kvarium } from '../../src/index.js'
import { ARGUMENTS, CHROMIUM, isInstalled, watchedPage, type Opened } from '../support/chromium.js'
import { linesOfSpoken, nodesOf, SpokenPage, spokenText, type Spoken } from '../support/spoken.js'
import { isEveryStory, storyCases } from '../support/thoroughness.js'
import { HOSTILE, RAW } from './support/hostile.js'
import { SETTINGS } from './support/settings.js'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, '.tmp/explorer-test')
const PICTURES = join(ROOT, '.tmp/pictures/explorer')
const AXE = readFileSync(createRequire(join(ROOT, 'packages/explorer/package.json')).resolve('axe-core/axe.min.js'), 'utf8')

/** All files that a page loads at its start, compressed, and their number: many small ones compress worse. */
const MOST_BYTES = 250_000
const MOST_FILES = 6

const RIGHT_SPLIT = readFileSync(join(ROOT, 'exercises/leaf-split/reference.ts'), 'utf8')

const WIDTHS = [1280, 360]
const SCHEMES = ['light', 'dark'] as const

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly help: string; readonly nodes: readonly { readonly html: string }[] }[]
}

describe.skipIf(!isInstalled)('the explorer in Chromium', () => {
  let browser: Browser
  let served: Served

  beforeAll(async () => {
    await buildExplorer(FOLDER)
    served = await serve(FOLDER)
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
    mkdirSync(PICTURES, { recursive: true })
  })
  afterAll(async () => {
    await browser.close()
    await served.close()
  })

  /** A page whose run is ready, and what it asked for and complained about. */
  async function opened(hash = '', width = WIDTHS[0]): Promise<Opened> {
    const context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width, height: 800 } })
    const opened = await watchedPage(context)
    await opened.page.goto(served.address + hash)
    await settled(opened.page)
    return opened
  }

  /** No operation is performed any more, and the page stands where it was sent. */
  async function settled(page: Page): Promise<void> {
    await page.locator('.lanes').waitFor()
    await page.locator('.progress').waitFor({ state: 'detached' })
  }

  const sentence = (page: Page): Promise<string | null> => page.locator('.sentence').textContent()

  async function type(page: Page, text: string): Promise<void> {
    await page.getByRole('textbox', { name: 'Operations' }).click()
    await page.keyboard.type(text)
    await page.keyboard.press('Escape')
    await page.keyboard.press('Enter')
    await settled(page)
  }

  /** Shows the drawings that a page hides at first. */
  async function showAll(page: Page): Promise<void> {
    const hidden = page.locator('.chooser .chip[aria-pressed="false"]')
    while ((await hidden.count()) > 0) await hidden.first().click()
  }

  const openPanel = (page: Page, title: string): Promise<void> => page.getByRole('tab', { name: title }).click()

  it('performs a typed operation in both engines, and steps into it and back by keys', async () => {
    const { page, messages } = await opened()
    await type(page, 'put venus hot sync')
    expect(await sentence(page)).toBe('lsm: put venus hot sync')
    await page.locator('body').click({ position: { x: 2, y: 2 } })
    await page.keyboard.press('ArrowRight')
    await page.waitForFunction(() => document.querySelector('.sentence')?.textContent !== 'lsm: put venus hot sync')
    await page.keyboard.press('Shift+ArrowRight')
    await page.waitForFunction(() => document.querySelector('.sentence')?.textContent === 'btree: put venus hot sync')
    await page.keyboard.press('Shift+ArrowLeft')
    await page.waitForFunction(() => document.querySelector('.sentence')?.textContent === 'lsm: put venus hot sync')
    expect(messages).toEqual([])
    await page.context().close()
  })

  it.runIf(isEveryStory)('says what is wrong with a line before it is entered, and keeps it', async () => {
    const { page } = await opened()
    const editor = page.getByRole('textbox', { name: 'Operations' })
    await editor.click()
    await page.keyboard.type('fetch venus')
    await page.locator('#editor-note.problem').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Enter')
    // A plain field until the code editor is loaded, which takes over at any time.
    const text = (): Promise<string | null> =>
      editor.evaluate(field => (field instanceof HTMLTextAreaElement ? field.value : field.textContent))
    await expect.poll(text).toBe('fetch venus')
    await page.context().close()
  })

  it.runIf(isEveryStory)('marks and lists all wrong lines of a list, and performs none', async () => {
    const { page } = await opened()
    await openPanel(page, 'Operations')
    const operations = page.locator('.operation-list')
    const count = await operations.getAttribute('aria-rowcount')
    await page.getByRole('textbox', { name: 'Operations' }).click()
    await page.locator('.cm-content').waitFor()
    await page.keyboard.insertText('put a 1\nfetch b\nput c\nrange limit 0\nget a\ndel a b\nsync')
    await page.locator('.editor-wrong').waitFor()
    expect(await page.locator('.editor-wrong li').allTextContents()).toEqual(
      [2, 3, 4, 6].map(row => expect.stringMatching(`^Line ${row}, column \\d+: `) as string),
    )
    expect(await page.locator('.cm-line:has(.mistake)').allTextContents()).toEqual(['fetch b', 'put c', 'range limit 0', 'del a b'])
    await page.keyboard.press('Escape')
    await page.keyboard.press('Enter')
    await page.locator('#editor-note', { hasText: '4 lines of 7 are wrong' }).waitFor()
    expect(await operations.getAttribute('aria-rowcount')).toBe(count)
    await page.context().close()
  })

  it.runIf(isEveryStory)('selects a byte and a job by keys, and goes back to what was selected before', async () => {
    const { page, messages } = await opened()
    await showAll(page)
    await page.locator('.hex-row[tabindex="0"]').first().focus()
    await page.keyboard.press('2')
    const title = page.locator('.history h3')
    await title.filter({ hasText: /^Byte 1 of \d+\.log in lsm$/ }).waitFor()
    expect(await page.locator('.hex-row .selected').count()).toBe(1)
    await openPanel(page, 'Timeline')
    await page.getByText('The timeline as a table').click()
    await page.getByRole('button', { name: 'History of the flush' }).first().press('Enter')
    await title.filter({ hasText: /^Job \d+ \(flush\) in lsm$/ }).waitFor()
    const entries = page.locator('.history .entries button')
    await entries.first().waitFor()
    await entries.first().focus()
    await page.keyboard.press('Backspace')
    await title.filter({ hasText: /^Byte 1 of/ }).waitFor()
    expect(await page.evaluate('document.activeElement.closest(".history") !== null')).toBe(true)
    expect(messages).toEqual([])
    await page.context().close()
  })

  const SCRIPT = ['random 300 keys 200 seed 5', 'put mars red sync', 'flush', 'compact', 'random 40 keys 200 seed 6', 'get mars']

  it.runIf(isEveryStory)('says to a screen reader what every drawing shows, with its figures', async () => {
    const session = new Session()
    await session.begin(SETTINGS)
    const { moments: position } = await session.add(linesOf(SCRIPT))
    const { lanes } = await session.look({ position })
    const { page } = await opened(`#${await encodeScenario({ settings: SETTINGS, script: SCRIPT, position })}`)
    await showAll(page)
    await page.locator('.hex-row').first().waitFor()
    const spoken = await SpokenPage.of(page)
    const drawings = await page.locator('section.drawing').evaluateAll(all => all.map(({ id }) => `#${id}`))
    expect(drawings).toHaveLength(15)
    const parts = await spoken.parts([...drawings, '.time', '.side', '.chooser'])
    writeFileSync(join(PICTURES, 'heard.txt'), [...parts].flatMap(([selector, part]) => [selector, ...linesOfSpoken(part), '']).join('\n'))
    for (const [selector, part] of parts) {
      expect(part.name, selector).not.toBe('')
      expect(faultsOf(part, selector.startsWith('#')), selector).toEqual([])
    }
    for (const [lane, { name, pictures }] of lanes.entries()) {
      const said = (drawing: string): string => spokenText(parts.get(`#drawing-${lane}-${drawing}`)!)
      const { log, files, cache, ledger, memtable, levels, merge, pages, space } = pictures
      expect(said('log')).toContain(`${log!.logs.at(-1)!.entries} operation`)
      for (const file of files!.files) expect(said('files')).toContain(file.name)
      expect(said('bytes')).toMatch(/is a write-ahead log of/)
      expect(said('cache')).toContain(`Found in memory: ${cache!.hits} of ${cache!.hits + cache!.misses}`)
      expect(said('ledger')).toContain(`After ${ledger!.now.operations} operations`)
      expect(said('ledger').includes('(estimated)'), name).toBe(levels !== undefined)
      if (memtable !== undefined) {
        expect(said('memtable')).toContain(`${memtable.memtables[0].entries} version`)
        expect(said('memtable')).toMatch(/passed by the search at level \d/)
      }
      for (const level of levels?.levels.filter(({ tables }) => tables > 0) ?? []) expect(said('levels')).toContain(`${level.tables} table`)
      if (merge !== undefined) expect(said('merge')).toContain(String(merge.merge!.fates.kept))
      if (pages !== undefined) expect(said('pages')).toContain(`${pages.shape.entries} entries in ${pages.shape.height} level`)
      if (space !== undefined) expect(said('free-space')).toContain(`${space.units} units`)
    }
    await page.context().close()
  })

  /** What a screen reader cannot say, or says of no thing: controls, pictures and tables without a name; in drawings, also lists and what speaks by itself. */
  function faultsOf(part: Spoken, isDrawing: boolean): readonly string[] {
    const named = [
      'button',
      'combobox',
      'textbox',
      'radio',
      'slider',
      'spinbutton',
      'image',
      'img',
      'SvgRoot',
      'table',
      'heading',
      ...(isDrawing ? ['list'] : []),
    ]
    return [...nodesOf(part)]
      .filter(
        ({ role, name, states }) =>
          (named.includes(role) && name.trim() === '') || (isDrawing && states.some(state => state.startsWith('live '))),
      )
      .map(({ role, name, states }) => `${role} "${name}" ${states.join(' ')}`)
  }

  it.runIf(isEveryStory)('shows no character of a key that cannot be seen, in texts, titles and labels', async () => {
    const keys = HOSTILE.map((hostile, at) => `k${at}${hostile}<b>`)
    const script = [
      ...keys.map(key => `put ${JSON.stringify(key)} ${JSON.stringify(key)}`),
      `snapshot ${JSON.stringify(keys[0])}`,
      'flush',
      `get ${JSON.stringify(keys[25])}`,
    ]
    const { page, messages } = await opened(`#${await encodeScenario({ settings: SETTINGS, script, position: 1_000_000 })}`)
    const raw = new RegExp(RAW, 'u').source
    const shown = async (): Promise<unknown> =>
      page.evaluate(`(() => {
        const raw = new RegExp(${JSON.stringify(raw)}, 'u')
        const texts = []
        for (const element of document.querySelectorAll('body *')) {
          if (element.matches('script, style, input, textarea')) continue
          for (const name of ['title', 'aria-label', 'alt', 'placeholder']) if (element.hasAttribute(name)) texts.push(element.getAttribute(name))
          for (const node of element.childNodes) if (node.nodeType === 3) texts.push(node.data)
        }
        return texts.filter(text => raw.test(text.replaceAll('\\n', ''))).map(text => JSON.stringify(text).slice(0, 100))
      })()`)
    await openPanel(page, 'Operations')
    await showAll(page)
    await page.locator('.hex-row').first().waitFor()
    expect(await shown()).toEqual([])
    await page.locator('.merge .recent button').last().press('Enter')
    await page.locator('.history h3', { hasText: /^Key / }).waitFor()
    await page.locator('.history .places').first().waitFor()
    expect(await shown()).toEqual([])
    for (let step = 0; step < 4; step++) {
      await page.getByRole('button', { name: 'Previous operation' }).click()
      expect(await shown()).toEqual([])
    }
    expect(messages).toEqual([])
    await page.context().close()
  })

  it.runIf(isEveryStory)('opens a link to the same run, byte for byte, also in Node', async () => {
    const { page } = await opened()
    await type(page, 'random 100 seed 7')
    await openPanel(page, 'Share')
    await page.getByRole('button', { name: 'Link to this position' }).click()
    const field = page.getByRole('textbox', { name: 'Link' })
    await field.waitFor()
    const link = await field.inputValue()
    await page.getByRole('button', { name: 'Digest of the run' }).click()
    const digest = /is ([0-9a-f]{8})/
    const said = page.locator('.share p', { hasText: digest })
    await said.waitFor()
    const [, here] = digest.exec((await said.textContent())!)!

    const other = await opened(`${new URL(link).hash}&share`)
    expect(await sentence(other.page)).toBe(await sentence(page))
    await other.page.getByRole('button', { name: 'Digest of the run' }).click()
    await other.page.locator('.share p', { hasText: here }).waitFor()

    const { settings, script } = await decodeScenario(new URL(link).hash.slice(1))
    const session = new Session()
    await session.begin(settings)
    await session.add(linesOf(script))
    expect(await session.digest()).toBe(here)
    await page.context().close()
    await other.page.context().close()
  })

  it.runIf(isEveryStory)('comes back to the run and the position after a reload', async () => {
    const { page, messages } = await opened()
    for (const line of ['put venus hot', 'put mars red']) await type(page, line)
    const kept = async (): Promise<string> =>
      (await page.evaluate<string | null>("sessionStorage.getItem('kvarium-explorer.run')"))?.trim() ?? ''
    await expect.poll(async () => (await decodeScenario(await kept()).catch(() => undefined))?.script.at(-1)).toBe('put mars red')
    const atTheLast = await kept()
    await page.getByRole('button', { name: 'Previous operation' }).click()
    await expect.poll(kept).not.toBe(atTheLast)
    const before = await sentence(page)
    await page.reload()
    await settled(page)
    await page.waitForFunction(text => document.querySelector('.sentence')?.textContent === text, before)
    await openPanel(page, 'Operations')
    await page.locator('.operation-row', { hasText: 'put mars red' }).waitFor()
    expect(messages).toEqual([])
    await page.context().close()
  })

  it.runIf(isEveryStory)('plays a conflict of two transactions, and another end of it after going back, the same as in Node', async () => {
    const { page, messages } = await opened()
    const lines = ['put ann 100', 'begin t', 'in t get ann', 'begin u', 'in u get ann', 'in u put ann 80', 'commit u', 'in t put ann 70']
    for (const line of lines) await type(page, line)
    await openPanel(page, 'Operations')
    await page.getByRole('textbox', { name: 'Operations' }).click()
    await page.keyboard.type('commit ')
    await page.locator('.cm-tooltip-autocomplete li', { hasText: /^t$/ }).waitFor()
    await page.keyboard.type('t')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Enter')
    await settled(page)
    const conflict = 'commit t: conflict (LEVEL_TRANSACTION_CONFLICT): The transaction conflicts: another write has changed the key "ann"'
    await page.locator('.operation-failed', { hasText: 'LEVEL_TRANSACTION_CONFLICT' }).first().waitFor()
    await page.locator('body').click({ position: { x: 2, y: 2 } })
    for (const said of ['Run 1 of the transaction conflicts: another write has changed "ann", which it read.', conflict]) {
      for (let step = 0; step < 8 && !(await sentence(page))!.includes(said); step++) {
        const before = await sentence(page)
        await page.keyboard.press('ArrowRight')
        await page.waitForFunction(text => document.querySelector('.sentence')?.textContent !== text, before)
      }
      expect(await sentence(page)).toContain(said)
    }

    // Without the commit of the other one there is no conflict.
    await page.locator('.operation-row', { hasText: 'commit u' }).getByRole('button').click()
    await page.waitForFunction(() => document.querySelector('.sentence')?.textContent === 'lsm: commit u')
    await page.locator('body').click({ position: { x: 2, y: 2 } })
    await page.keyboard.press('ArrowLeft')
    await page.waitForFunction(() => document.querySelector('.sentence')?.textContent !== 'lsm: commit u')
    for (const line of ['abort u', 'in t put ann 70', 'commit t']) await type(page, line)
    await page.locator('.operation-row', { hasText: 'committed: 1 write' }).waitFor()
    await openPanel(page, 'Share')
    await page.getByRole('button', { name: 'Digest of the run' }).click()
    const said = page.locator('.share p', { hasText: /is [0-9a-f]{8}/ })
    const digest = await said.textContent()
    await page.getByRole('button', { name: 'Link to this position' }).click()
    const link = page.getByRole('textbox', { name: 'Link' })
    await link.waitFor()
    const { settings, script } = await decodeScenario(new URL(await link.inputValue()).hash.slice(1))
    expect(script.slice(-9)).toEqual([...lines.slice(0, 6), 'abort u', 'in t put ann 70', 'commit t'])
    const session = new Session()
    await session.begin(settings)
    await session.add(linesOf(script))
    expect(digest).toContain(await session.digest())
    expect(messages).toEqual([])
    await page.context().close()
  })

  it.runIf(isEveryStory)('saves a page that replays the run from a disk, from the same position on', async () => {
    const { page } = await opened()
    await type(page, 'put venus hot sync')
    const here = await sentence(page)
    await openPanel(page, 'Share')
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Page that replays the run' }).click()
    const file = join(FOLDER, 'replay.html')
    await (await saved).saveAs(file)
    await page.locator('body').click({ position: { x: 2, y: 2 } })
    const sentences: (string | null)[] = []
    for (let step = 1; step <= 8; step++) {
      const before = await sentence(page)
      await page.keyboard.press('ArrowRight')
      await page.waitForFunction(text => document.querySelector('.sentence')?.textContent !== text, before)
      sentences.push(await sentence(page))
    }

    const replay = await page.context().newPage()
    const requests: string[] = []
    const messages: string[] = []
    replay.on('request', request => requests.push(request.url()))
    replay.on('console', message => messages.push(message.text()))
    replay.on('pageerror', error => messages.push(error.message))
    await replay.goto(pathToFileURL(file).href)
    const shown = replay.locator('#sentence')
    expect(await shown.textContent()).toBe(here)
    expect(await replay.locator('#structure').textContent()).toMatch(/Store "lsm"[^]*Store "btree"/)
    for (const said of sentences) {
      await replay.keyboard.press('ArrowRight')
      expect(said).toContain(await shown.textContent())
    }
    await replay.keyboard.press('Shift+ArrowRight')
    expect(await shown.textContent()).toBe('btree: put venus hot sync')
    expect(requests).toEqual([pathToFileURL(file).href])
    expect(messages).toEqual([])
    await page.context().close()
  })

  it.runIf(isEveryStory)('shows what power loss leaves, and goes on with a recovered store', async () => {
    const { page } = await opened()
    await type(page, 'put venus hot')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'End', exact: true }).click()
    await openPanel(page, 'Power loss')
    await page.getByRole('button', { name: 'Power fails in lsm' }).click()
    const rows = page.locator('.outcome')
    await rows.first().waitFor()
    expect(await rows.count()).toBeGreaterThan(1)
    expect(await page.locator('.outcome.worse').count()).toBe(0)
    await rows.last().getByRole('button', { name: 'Go on with this store' }).click()
    await openPanel(page, 'Operations')
    await page.locator('.operation-list', { hasText: 'crash lsm' }).waitFor()
    await settled(page)
    await type(page, 'get venus')
    await page.locator('.operation-list', { hasText: 'not found' }).waitFor()
    await page.context().close()
  })

  it.runIf(isEveryStory)('steps through what is there while operations are performed', async () => {
    const { page } = await opened()
    await page.getByRole('textbox', { name: 'Operations' }).click()
    await page.keyboard.type('random 50000')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Enter')
    await page.locator('.progress').waitFor()
    const before = await sentence(page)
    await page.getByRole('button', { name: 'Previous operation' }).click()
    await page.waitForFunction(text => document.querySelector('.sentence')?.textContent !== text, before)
    const stepped = await sentence(page)
    await page.getByRole('button', { name: 'Stop' }).click()
    await settled(page)
    // The reader has gone there, and stays.
    expect(await sentence(page)).toBe(stepped)
    await page.context().close()
  })

  it.runIf(isEveryStory)('selects in a drawing by the arrow keys, and keeps the focus over steps', async () => {
    const { page } = await opened('#timeline')
    const focused = (): Promise<string | null> => page.evaluate<string | null>('document.activeElement.getAttribute("data-item")')
    await page.locator('.pages [data-item][tabindex="0"]').focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    const leaf = await focused()
    expect(leaf).toMatch(/^\d+$/)
    await page.keyboard.press('Enter')
    await page.locator('.history h3', { hasText: `Page ${leaf} in btree` }).waitFor()
    const before = await sentence(page)
    await page.keyboard.press(',')
    await page.waitForFunction(text => document.querySelector('.sentence')?.textContent !== text, before)
    expect(await focused()).toBe(leaf)
    expect(new URL(page.url()).hash).toBe('#history')
    await page.context().close()
  })

  it.runIf(isEveryStory)('forks a lane by keys, goes to the first step that differs, and takes the fork back', async () => {
    const { page, messages } = await opened()
    await type(page, 'random 700 keys 700 values 500B seed 3')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Fork lsm', exact: true }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Fork lsm' })
    await dialog.waitFor()
    // The choice of the option has the focus; typing chooses.
    await page.waitForFunction(() => document.activeElement?.matches('dialog select'))
    await page.keyboard.type('fanO')
    await page.keyboard.press('Tab')
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.type('2')
    await dialog.getByRole('button', { name: 'Fork and replay', disabled: false }).waitFor()
    await page.keyboard.press('Enter')
    const lane = page.locator('h2.lane', { hasText: 'lsm fanOut=2' })
    await lane.waitFor()
    await page.waitForFunction(() => document.activeElement?.id === 'tab-compare')
    const panel = page.locator('.compare')
    await panel.locator('li', { hasText: 'fanOut: 4 in lsm, 2 in lsm fanOut=2' }).waitFor()
    await panel.getByText('Every operation has the same outcome in both lanes.').waitFor()
    expect(await panel.locator('.compare-figure').count()).toBeGreaterThan(5)
    expect(await panel.locator('.compare-costs li').count()).toBe(10)

    const there = page.getByRole('button', { name: 'Go there in lsm fanOut=2' })
    const said = await panel.locator('li', { has: there }).textContent()
    await there.focus()
    await page.keyboard.press('Enter')
    await page.waitForFunction(text => text.includes(document.querySelector('.sentence')!.textContent.replace('lsm fanOut=2: ', '')), said!)

    await page.evaluate(AXE)
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: join(PICTURES, `fork-${colorScheme}.png`), fullPage: true })
      const { violations } = await page.evaluate<AxeResults>('axe.run(".compare", { resultTypes: ["violations"] })')
      expect(violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.length}: ${nodes[0]?.html.slice(0, 160)})`)).toEqual([])
    }
    await page.setViewportSize({ width: 360, height: 800 })
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)

    await panel.getByRole('button', { name: 'Undo the fork' }).focus()
    await page.keyboard.press('Enter')
    await lane.waitFor({ state: 'detached' })
    expect(await page.locator('h2.lane').count()).toBe(2)
    await page.waitForFunction(() => document.activeElement?.id === 'compare-h')
    expect(messages).toEqual([])
    await page.context().close()
  })

  /** The exercise of that name, with its editor. */
  async function openExercise(page: Page, exercise: string): Promise<Locator> {
    await openPanel(page, 'Exercises')
    await page.locator('.part-editor').waitFor()
    await page.locator('.exercise select').selectOption(exercise)
    return page.getByRole('textbox', { name: `Your ${exercise}.ts` })
  }

  /** Puts a text in the place of what an editor holds. */
  async function write(page: Page, editor: Locator, text: string): Promise<void> {
    await editor.focus()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(text)
  }

  const checked = async (page: Page): Promise<string> => {
    await page.getByRole('button', { name: 'Check', exact: true }).click()
    const status = page.locator('.exercise-checks [role=status]')
    await status.filter({ hasText: /All checks pass|does not hold/ }).waitFor()
    return (await page.locator('.exercise-checks').textContent())!
  }

  it.runIf(isEveryStory)('checks a part that is written in the page, shows where it goes another way, and keeps it', async () => {
    const { page, messages } = await opened()
    const before = await sentence(page)
    const editor = await openExercise(page, 'leaf-split')
    expect(await checked(page)).toContain('Line 15: Not written yet: splitLeaf')
    await write(page, editor, RIGHT_SPLIT.replace('best = cut', 'best = = cut'))
    expect(await checked(page)).toMatch(/Line 8, column \d+: /)
    await write(page, editor, RIGHT_SPLIT.replace('< largerHalf(sizes, best)', '<= largerHalf(sizes, best)'))
    expect(await checked(page)).toContain('They diverge in step')

    await page.getByRole('button', { name: 'Step to the first difference' }).click()
    await page.locator('.both-steps').waitFor()
    await settled(page)
    expect(await page.locator('.both-steps section').count()).toBe(2)
    expect(await sentence(page)).toMatch(/^your-leaf-split: Page \d+ is split/)
    expect(await page.locator('.used-part tbody th').allTextContents()).toContain('separators')
    await page.evaluate(AXE)
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: join(PICTURES, `exercise-${colorScheme}.png`) })
      const { violations } = await page.evaluate<AxeResults>('axe.run({ resultTypes: ["violations"] })')
      expect(violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes[0]?.html.slice(0, 160)})`)).toEqual([])
    }

    await page.setViewportSize({ width: 360, height: 800 })
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)

    await write(page, editor, RIGHT_SPLIT)
    expect(await checked(page)).toContain('All checks pass')
    await page.getByRole('button', { name: 'Use it as a lane' }).click()
    await page.locator('.used-part', { hasText: 'Both lanes take the same steps' }).waitFor()
    await page.getByRole('button', { name: 'Back to the run without it' }).click()
    await page.locator('.used-part').waitFor({ state: 'detached' })
    await settled(page)
    expect(await sentence(page)).toBe(before)

    await page.reload()
    await settled(page)
    await page.locator('.exercise select').selectOption('leaf-split')
    await page.locator('.part-editor', { hasText: 'The page that is left behind stays full' }).waitFor()
    expect(messages).toEqual([])
    await page.context().close()
  })

  it.runIf(isEveryStory)('goes on when a part that was dropped on it never comes to an end', async () => {
    const { page, messages } = await opened()
    const before = await sentence(page)
    await openExercise(page, 'leaf-split')
    const endless = 'export function splitLeaf(): number {\n  for (;;);\n}\n'
    const dropped = await page.evaluateHandle(text => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([text], 'endless.ts'))
      return transfer
    }, endless)
    await page.locator('.exercise').dispatchEvent('drop', { dataTransfer: dropped })
    await page.locator('#part-note', { hasText: 'This is endless.ts now' }).waitFor()
    await page.getByRole('button', { name: 'Check', exact: true }).click()
    await page.locator('.exercise-checks', { hasText: 'Checking: both pages get entries' }).getByRole('button', { name: 'Stop' }).click()
    await page.locator('.check-message', { hasText: 'there may be an endless loop' }).waitFor()

    await page.getByRole('button', { name: 'Use it as a lane' }).click()
    await page.getByRole('button', { name: 'Stop it, and do without your part' }).click()
    await page.locator('[role=alert]', { hasText: 'Your part did not come to an end' }).waitFor()
    await settled(page)
    expect(await sentence(page)).toBe(before)
    expect(messages).toEqual([])
    await page.context().close()
  })

  it('takes a learner through a lesson by keyboard, checks the goal, and remembers it', async () => {
    const { page, messages } = await opened('#lesson=bytes-of-a-put')
    await page.locator('.lesson-question').waitFor()
    const press = async (name: string): Promise<void> => {
      await page.locator('.lesson').getByRole('button', { name, exact: true }).focus()
      await page.keyboard.press('Enter')
    }
    await page.locator('.lesson-question input').first().focus()
    await page.keyboard.press('Space')
    await page.locator('.lesson', { hasText: 'Not so.' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.locator('.lesson', { hasText: 'Right.' }).waitFor()
    await press('Go through it')
    await page.locator('.drawing.lit', { hasText: 'look here' }).first().waitFor()
    for (let step = 2; step <= 6; step++) {
      await press('Next step')
      await page.locator('.lesson h3', { hasText: `Step ${step} of 6` }).waitFor()
    }
    await page.evaluate(AXE)
    const { violations } = await page.evaluate<AxeResults>('axe.run({ resultTypes: ["violations"] })')
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)}`)).toEqual([])
    await page.locator('.lesson-parts').getByRole('button', { name: 'On your own' }).press('Enter')
    await page.locator('.lesson-conditions .unmet').first().waitFor()
    await type(page, 'batch put a 12345; put b 12345; put c 12345; put d 12345; put e 12345; put f 12345')
    await page.locator('.lesson', { hasText: 'Done.' }).waitFor()
    await press('Leave, back to my run')
    await page.locator('.lesson').waitFor({ state: 'detached' })
    await page.reload()
    await settled(page)
    await page.getByRole('tab', { name: 'Lessons' }).click()
    await page.locator('.lesson-list li', { hasText: 'done ✓' }).waitFor()
    expect(messages).toEqual([])
    await page.context().close()
  })

  it.runIf(isEveryStory)('takes a report, a directory of a store and a recording, and names a file that is none of these', async () => {
    const { page, messages, requests } = await opened()
    expect(requests.filter(url => url.includes('report'))).toEqual([])
    await openPanel(page, 'Your store')
    const chosen = (label: string): Locator => page.getByLabel(label, { exact: true })
    await chosen('Report').setInputFiles({ name: 'settings.json', mimeType: 'application/json', buffer: Buffer.from('{"format":"other"}') })
    await page.locator('[role=alert]', { hasText: 'settings.json cannot be shown. This is not a report' }).waitFor()

    await dropped(page, 'report.json', readFileSync(join(ROOT, 'tests/lab/report/fixtures/report-v1.json'), 'utf8'))
    await page.locator('.report li', { hasText: 'lsm-leveled writes' }).waitFor()
    expect(await page.locator('.report-bars').first().innerText()).toMatch(/lsm-leveled\s+all\s+3.01×\s+log\s+1.10×/)
    await page.evaluate(AXE)
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 })
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      await page.locator('.report').screenshot({ path: join(PICTURES, `report-${width}.png`) })
      const { violations } = await page.evaluate<AxeResults>('axe.run(".report", { resultTypes: ["violations"] })')
      expect(violations.map(({ id, help }) => `${id}: ${help}`)).toEqual([])
    }
    await page.getByRole('button', { name: 'Open these engines as lanes' }).click()
    await page.locator('.lane-head h2', { hasText: 'lsm-leveled' }).waitFor()
    await settled(page)
    expect(await page.locator('.lane').count()).toBe(2)

    const directory = mkdtempSync(join(tmpdir(), 'kvarium-browser-'))
    const store = new Kvarium<string, string>(directory, { engine: 'btree' })
    await store.put('venus', 'hot')
    await store.close()
    await chosen('Directory of a store').setInputFiles(directory)
    await page.locator('[role=status]', { hasText: 'This is a copy of your store' }).waitFor()
    expect(await page.locator('.lane').count()).toBe(1)
    rmSync(directory, { recursive: true })

    const session = new Session()
    await session.begin({ seed: 1, lanes: [{ name: 'lsm', engine: 'lsm', options: {} }] })
    const recording = await session.trace(0)
    await dropped(page, 'broken.jsonl', recording.replace('"type"', '"typo"'))
    await page.locator('[role=alert]', { hasText: 'broken.jsonl is damaged. Line 2' }).waitFor()
    await dropped(page, 'notes.txt', 'hello')
    await page.locator('[role=alert]', { hasText: 'notes.txt is not the files of a store' }).waitFor()
    await chosen('Recording').setInputFiles({ name: 'lsm.jsonl', mimeType: 'text/plain', buffer: Buffer.from(recording) })
    await page.locator('[role=status]', { hasText: 'This is a recording' }).waitFor()
    const fork = page.getByRole('button', { name: 'Fork recording of lsm' })
    expect([await fork.isDisabled(), await fork.getAttribute('aria-describedby')]).toEqual([true, 'refusal-operations'])
    await page.getByRole('button', { name: 'Open these engines as lanes' }).click()
    await page.locator('.lane-head h2', { hasText: 'lsm-leveled' }).waitFor()
    expect(messages).toEqual([])
    await page.context().close()
  })

  /** A file falls on the page. */
  async function dropped(page: Page, name: string, text: string): Promise<void> {
    const data = await page.evaluateHandle(`(() => {
      const data = new DataTransfer()
      data.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)}))
      return data
    })()`)
    await page.dispatchEvent('body', 'drop', { dataTransfer: data })
  }

  it.runIf(isEveryStory)('says why a damaged link opens no run, and begins with the demo', async () => {
    const { page } = await opened('#v1.abc')
    await page.locator('[role=alert]', { hasText: 'This link is damaged' }).waitFor()
    expect(await page.locator('.lane').count()).toBe(2)
    await page.context().close()
  })

  it.each(storyCases(WIDTHS))('fits a screen of %i pixels in both themes, and axe finds nothing', async width => {
    const { page, messages, requests } = await opened('', width)
    await page.evaluate(AXE)
    // Between the two, one theme stands for both.
    const looks = SCHEMES.map(colorScheme => ({ colorScheme, shown: width }))
    if (width === WIDTHS[0]) looks.push({ colorScheme: 'light', shown: 768 })
    for (const { colorScheme, shown } of looks) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width: shown, height: 800 })
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      expect(await page.evaluate('document.querySelector(".time").offsetHeight / innerHeight')).toBeLessThanOrEqual(0.25)
      await page.screenshot({ path: join(PICTURES, `${shown}-${colorScheme}.png`), fullPage: true })
      const { violations } = await page.evaluate<AxeResults>('axe.run({ resultTypes: ["violations"] })')
      expect(violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.length}: ${nodes[0]?.html.slice(0, 160)})`)).toEqual([])
    }
    expect(messages).toEqual([])
    expect(requests.filter(url => !url.startsWith(served.address))).toEqual([])
    const loaded = new Set(requests.map(url => new URL(url).pathname.slice(1) || 'index.html'))
    const sizes = readdirSync(FOLDER)
      .filter(name => loaded.has(name))
      .map(name => gzipSync(readFileSync(join(FOLDER, name)), { level: 9 }).length)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST_BYTES)
    expect(sizes.length, [...loaded].join(', ')).toBeLessThanOrEqual(MOST_FILES)
    await page.context().close()
  })
})
