import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replayScript } from '../../examples/lab/replay-script.js'
import type { Item, ReplayedRun } from '../../packages/lab/src/replay/items.js'
import { replayPage } from '../../packages/lab/src/replay/replay-page.js'
import { itemsOf, storedRecording } from '../../packages/lab/src/replay/stored-recording.js'
import { typeOf } from '../../packages/lab/src/replay/stepper.js'
import type { EventOf } from '../../src/trace/events.js'
import { isInstalled, LEAST_CONTRAST, withPage } from '../support/chromium-page.js'
import { isEveryStory, slice, storyCases } from '../support/thoroughness.js'
import { recordingOfBoth } from './support/small-example.js'

const SCHEMES = ['light', 'dark'] as const

let directory = ''
let file = ''
let run: ReplayedRun
let script = ''
let items: readonly Item[]
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-replay-'))
  file = join(directory, 'replay.html')
  const { question, items: all } = await recordingOfBoth()
  items = all
  run = { title: question, items }
  script = await replayScript()
  writeFileSync(file, replayPage(run, script))
})
afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))

describe('a recording in a page', () => {
  it('comes back from JSON as it went in', () => {
    const stored = storedRecording(run)
    expect(itemsOf(JSON.parse(JSON.stringify(stored)) as typeof stored)).toEqual(items)
    expect(stored.leftOut).toEqual({ items: 0, payloadBytes: 0 })
  })

  it('beyond its limits it keeps a beginning and counts the rest, and the page says so', async () => {
    const limits = { maxItems: 200, maxPayloadBytes: 300 }
    const stored = storedRecording(run, limits)
    const kept = itemsOf(stored)
    const bytesOf = (of: readonly Item[], counts: (event: EventOf<'file.write'>) => number): number =>
      of.reduce((sum, item) => sum + (item.kind === 'event' && item.event.type === 'file.write' ? counts(item.event) : 0), 0)
    const bytes = bytesOf(kept, event => event.bytes?.length ?? 0)
    const all = bytesOf(items.slice(0, 200), event => event.length)
    expect(kept).toHaveLength(200)
    expect(bytes).toBeLessThanOrEqual(300)
    expect(stored.leftOut).toEqual({ items: items.length - 200, payloadBytes: all - bytes })
    const page = replayPage(run, script, limits)
    expect(page).toContain(`leaves out the last ${items.length - 200} items`)
  })

  it('no text of a recording becomes markup or ends the script that holds it', async () => {
    const page = replayPage({ ...run, title: '</script><b>' }, script)
    expect(page).not.toContain('<script>alert')
    expect(page).not.toContain('</script><b>')
  })
})

const sentence = (page: Page): Promise<string | null> => page.locator('#sentence').textContent()
const at = async (page: Page): Promise<number> => Number((await page.locator('#count').textContent())!.split(' ')[0]) - 1
const press = async (page: Page, ...keys: readonly string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key)
}
async function goTo(page: Page, position: number): Promise<void> {
  await page.locator('#position').fill(String(position + 1))
}

describe.skipIf(!isInstalled)('the replay page, in a browser', () => {
  it('needs no network, says nothing on the console, and every step can be seen', async () => {
    const stride = slice(5, 1)
    await withPage(file, { width: 1200, scheme: 'light' }, async ({ page, messages, requests }) => {
      const said = await page.evaluate(async stride => {
        const slider = document.querySelector<HTMLInputElement>('#position')!
        const sentences: (string | null)[] = []
        for (let step = 1; step <= Number(slider.max); step += stride) {
          slider.value = String(step)
          slider.dispatchEvent(new Event('input'))
          sentences.push(document.getElementById('sentence')!.textContent)
          await new Promise(resolve => setTimeout(resolve, 0))
        }
        return sentences
      }, stride)
      const shown = items.filter((_, position) => position % stride === 0)
      expect(said).toHaveLength(shown.length)
      for (const [index, item] of shown.entries()) if (item.kind === 'event') expect(said[index]).toBe(item.text)
      expect(requests).toEqual([pathToFileURL(file).href])
      expect(messages).toEqual([])
    })
  })

  it.runIf(isEveryStory)('the keyboard goes on, back, to the next and the last operation, and to the ends', async () => {
    await withPage(file, { width: 1200, scheme: 'light' }, async ({ page }) => {
      await press(page, 'ArrowRight', 'ArrowRight')
      expect(await at(page)).toBe(2)
      await press(page, 'ArrowLeft')
      expect(await at(page)).toBe(1)
      await press(page, 'End')
      expect(await at(page)).toBe(items.length - 1)
      await press(page, 'ArrowRight')
      expect([await at(page), await sentence(page)]).toEqual([items.length - 1, 'There is nothing more this way.'])
      await press(page, 'Home')
      const calls = items.flatMap((item, position) => (item.kind === 'call' ? [position] : []))
      await press(page, 'Shift+ArrowRight', 'Shift+ArrowRight')
      expect(await at(page)).toBe(calls[1])
      await press(page, 'Shift+ArrowLeft')
      expect(await at(page)).toBe(calls[0])
      // The slider is ours, too: its own arrow keys would step by its scale.
      await page.locator('#position').focus()
      await press(page, 'ArrowRight')
      expect(await at(page)).toBe(calls[0] + 1)
    })
  })

  it.runIf(isEveryStory)('with a type chosen, back and next stop at events of it alone', async () => {
    await withPage(file, { width: 1200, scheme: 'light' }, async ({ page }) => {
      await press(page, '/')
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('filter')
      await page.locator('#filter').selectOption('manifest.edit')
      await page.locator('#next').focus()
      const edits = items.flatMap((item, position) => (typeOf(item) === 'manifest.edit' ? [position] : []))
      for (const position of edits) {
        await press(page, 'ArrowRight')
        expect(await at(page)).toBe(position)
      }
      await press(page, 'ArrowLeft')
      expect(await at(page)).toBe(edits.at(-2))
      // Not of types that begin with it, as table.block does.
      await page.locator('#filter').selectOption('table')
      await page.locator('#next').focus()
      await press(page, 'Home', 'ArrowRight')
      expect(await at(page)).toBe(items.findIndex(item => item.kind === 'table'))
    })
  })

  it.runIf(isEveryStory)('a guess stands beside the answer, also when one steps there', async () => {
    await withPage(file, { width: 1200, scheme: 'light' }, async ({ page }) => {
      const question = items.findIndex(item => item.kind === 'predict')
      const answer = items.findIndex(item => item.kind === 'reveal')
      await goTo(page, question)
      await page.getByLabel('Your guess').fill('two, says <b>someone</b>')
      await page.getByRole('button', { name: 'Show the answer' }).click()
      expect(await at(page)).toBe(answer)
      expect(await page.locator('#item').textContent()).toContain('Your guess: two, says <b>someone</b>The answer: One table')
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('next')
      await goTo(page, question)
      expect(await page.getByLabel('Your guess').inputValue()).toBe('two, says <b>someone</b>')
      await page.getByLabel('Your guess').fill('three')
      await page.getByRole('button', { name: 'Next', exact: true }).click()
      await goTo(page, answer)
      expect(await page.locator('#item').textContent()).toContain('Your guess: three')
    })
  })

  it('structure and bytes are those of the step', async () => {
    await withPage(file, { width: 1200, scheme: 'light' }, async ({ page }) => {
      const edits = items.flatMap((item, position) => (typeOf(item) === 'manifest.edit' ? [position] : []))
      await goTo(page, edits[2])
      const tables = page.locator('#structure .table')
      expect(await tables.allTextContents()).toEqual([
        expect.stringMatching(/^table 6: .*new.*key000 – key039$/),
        expect.stringMatching(/^table 4: /),
      ])
      expect(await page.locator('#bytes pre').textContent()).toContain('added table: 000006.sst')
      await press(page, 'ArrowLeft')
      expect(await tables.count()).toBe(1)
      await goTo(
        page,
        items.findIndex(item => item.kind === 'event' && item.event.type === 'get.probe' && item.event.outcome === 'hit'),
      )
      expect(await page.locator('#structure .noted').last().textContent()).toContain('hit')
      const pick = items.findLastIndex(item => typeOf(item) === 'compaction.pick')
      await goTo(page, pick + 3)
      expect(await page.locator('#structure .table .note').allTextContents()).toEqual(['input', 'input'])
      await press(page, 'End')
      expect(await page.locator('#structure .pages i').count()).toBe(1)
      expect(await page.locator('#structure').textContent()).toContain('depth 0: 1 page')
      await goTo(
        page,
        items.findLastIndex(item => typeOf(item) === 'page.visit'),
      )
      expect(await page.locator('#structure .touched').textContent()).toMatch(/page \d+ at depth 0: slot 0 of 1/)
    })
  })

  it.runIf(isEveryStory)('a screen reader gets each step in one sentence, and all controls have names', async () => {
    await withPage(file, { width: 1200, scheme: 'light' }, async ({ page }) => {
      expect(await page.locator('[aria-live=polite]').getAttribute('id')).toBe('sentence')
      for (const name of ['First', 'Operation before', 'Back', 'Next', 'Next operation', 'Last'])
        expect(await page.getByRole('button', { name, exact: true }).count()).toBe(1)
      await press(page, 'ArrowRight')
      expect(await page.getByRole('slider', { name: 'Step' }).getAttribute('aria-valuetext')).toMatch(/^2 of \d+: A few puts/)
      expect(await page.getByRole('combobox', { name: 'Back and Next stop at' }).count()).toBe(1)
      expect(await page.locator('[aria-current=step]').count()).toBe(1)
      for (const landmark of ['banner', 'main'] as const) expect(await page.getByRole(landmark).count()).toBe(1)
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
    })
  })

  it.each(storyCases(SCHEMES))('its text can be read: %s', async scheme => {
    await withPage(file, { width: 1200, scheme }, async ({ page }) => {
      const probe = items.findIndex(item => item.kind === 'event' && item.event.type === 'get.probe' && item.event.outcome === 'hit')
      const question = items.findIndex(item => item.kind === 'predict')
      const edit = items.findLastIndex(item => typeOf(item) === 'manifest.edit')
      for (const position of [0, probe, question, edit]) {
        await goTo(page, position)
        const least: { contrast: number; text: string } = await page.evaluate(LEAST_CONTRAST)
        expect(least.contrast, least.text).toBeGreaterThanOrEqual(4.5)
      }
    })
  })

  it.runIf(isEveryStory)('nothing but its own regions scrolls sideways on a narrow screen', async () => {
    await withPage(file, { width: 400, scheme: 'light' }, async ({ page }) => {
      for (let position = 0; position < items.length; position += 7) {
        await goTo(page, position)
        await page.evaluate(() => document.querySelectorAll('details').forEach(details => (details.open = true)))
        expect(await page.evaluate(() => document.documentElement.scrollWidth), `step ${position + 1}`).toBeLessThanOrEqual(400)
      }
    })
  })
})
