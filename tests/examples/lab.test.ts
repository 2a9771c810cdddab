import { expect, it } from 'vitest'
import { Lab } from '../../examples/lab/lab.js'

it('refuses two open stores of one name', async () => {
  const lab = new Lab()
  const first = await lab.open('/one')
  await expect(lab.open('/two')).rejects.toThrow(/an open store called "lsm"/)
  const second = await lab.open('/two', { name: 'other' })
  await first.close()
  const third = await lab.open('/three')
  await Promise.all([second.close(), third.close()])
})

it('records no number twice with different values', () => {
  const lab = new Lab()
  expect(lab.number('bytes', 38)).toBe(38)
  expect(() => lab.number('bytes', 39)).toThrow(/"bytes" was recorded before, as 38/)
})
