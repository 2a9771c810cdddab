import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'prettier'
import { expect, it } from 'vitest'
import { EVENT_SCHEMAS, type EventSchema } from '../../src/trace/event-schema.js'

const PATH = join(import.meta.dirname, '../../docs/tracing.md')
const TABLE = /(?<=<!-- events -->\n\n)[^]*(?=\n<!-- \/events -->)/

/** The table of all events, as the document has it. */
function eventTable(): Promise<string> {
  const rows = Object.entries(EVENT_SCHEMAS as Record<string, EventSchema>).map(([type, { level, about, fields }]) => {
    const names = Object.entries(fields).map(([name, field]) => `${name}${typeof field === 'object' && 'optional' in field ? '?' : ''}`)
    return `| \`${type}\` | ${level} | ${about} | ${names.join(', ')} |`
  })
  return format(['| event | level | what happens | fields |', '| --- | --- | --- | --- |', ...rows].join('\n'), { parser: 'markdown' })
}

it('the document lists every event with its level and fields', async () => {
  const table = await eventTable()
  const document = readFileSync(PATH, 'utf8')
  if (process.env['KVARIUM_UPDATE_GOLDEN'] === '1')
    writeFileSync(
      PATH,
      document.replace(/(?<=<!-- events -->\n\n)[^]*(?=<!-- \/events -->)/, () => `${table}\n`),
    )
  else expect(TABLE.exec(document)?.[0], 'run with KVARIUM_UPDATE_GOLDEN=1').toBe(table)
})
