import { expect, test } from 'vitest'
import * as example from '../../examples/03-crash-anywhere.js'
import { CrashPoints, tornRecord, worldOn } from '../../examples/lab/crash-points.js'
import { record } from '../../examples/lab/lab.js'
import { Kvarium } from '../../src/index.js'

test('no crash of example 3 leaves half a batch, a hole, or less than was promised', async () => {
  const { numbers } = await record(3, '', example)
  expect(numbers).toMatchObject({ wrong: 0, broken: 0, 'broken-by-kill': 0, 'least-after-sync': 3 })
  expect(numbers['unpromised-lost']).toBeGreaterThan(0)
  expect(numbers['images']).toBe(Number(numbers['points']) * (2 + Number(numbers['seeds'])))
})

test('a write that was not synced is lost, kept or torn, as the crash point selects', async () => {
  const crashes = new CrashPoints<number>(['none', 'all', ...Array.from({ length: 20 }, (_, seed) => seed)])
  const db = new Kvarium<string, string>('/store', { environment: crashes.environment })
  await db.open()
  crashes.watch(() => 0)
  await db.put('key', 'a value that is long enough to be torn somewhere')
  crashes.end(1)
  await db.close()

  const [{ before, moment }, { before: last, images }] = crashes.points
  expect([before, moment, last, crashes.points.length]).toEqual(['write 000001.log', 0, '(the end)', 2])
  const found = await Promise.all(
    [...images].map(async ([kept, image]) => {
      const reopened = new Kvarium<string, string>('/store', { environment: worldOn(image) })
      await reopened.open()
      const value = reopened.getSync('key')
      await reopened.close()
      return { kept, isThere: value !== undefined, isTorn: (await tornRecord('/store', image)) !== undefined }
    }),
  )
  expect(found.filter(({ kept }) => typeof kept === 'string')).toEqual([
    { kept: 'none', isThere: false, isTorn: false },
    { kept: 'all', isThere: true, isTorn: false },
  ])
  expect(found.some(({ isTorn }) => isTorn)).toBe(true)
  expect(found.every(({ isThere, isTorn }) => !(isThere && isTorn))).toBe(true)
})
