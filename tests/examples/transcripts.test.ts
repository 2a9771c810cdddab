/** What each example prints, held by a file: after a wanted change, `npx vitest run tests/examples -u` writes it anew. */
import { expect, test } from 'vitest'
import { catalog } from '../../examples/lab/catalog.js'
import { record } from '../../examples/lab/lab.js'
import { transcript } from '../../examples/lab/transcript.js'

test.each(catalog())('example $number says the same at every run', async ({ number, name, load }) => {
  const first = transcript(await record(number, name, await load()))
  const file = `${String(number).padStart(2, '0')}-${name}.txt`
  await expect(first).toMatchFileSnapshot(`transcripts/${file}`)
  expect(transcript(await record(number, name, await load()))).toBe(first)
})

test('the put of example 1 costs what its fields add up to', async () => {
  const { numbers } = await record(1, '', await catalog()[0].load())
  // Frame header 16, first sequence 8, operations 4, kind 1, two lengths of 1, key 3, value 4.
  expect(numbers['put-bytes']).toBe(16 + 8 + 4 + 1 + 1 + 3 + 1 + 4)
})
