/** Hazards: lanes with options that the report does not have, or that do not open; a run too large for a page; a difference from the report that is not said. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { format, parse } from '../../packages/explorer/src/run/command.js'
import { runOfReport, type ReportedRun } from '../../packages/explorer/src/run/report-run.js'
import { Session } from '../../packages/explorer/src/session/session.js'
import { parseRunReport, type RunReport } from '../../packages/lab/src/report/index.js'

const FIXTURES = join(import.meta.dirname, '../lab/report/fixtures')
const session = new Session()
const tables = session.engineOptions()

function reportOf(version: 1 | 2): RunReport {
  return parseRunReport(readFileSync(join(FIXTURES, `report-v${version}.json`), 'utf8'))
}

function changed(work: Partial<RunReport['work']>, options?: RunReport['engines'][number]['options']): RunReport {
  const report = reportOf(2)
  const [first, ...others] = report.engines
  return { ...report, work: { ...report.work, ...work }, engines: [{ ...first, ...(options !== undefined && { options }) }, ...others] }
}

/** Every lane opens, and does what the line says. */
async function performed({ settings, line }: ReportedRun): Promise<number> {
  for (const lane of settings.lanes) expect(await session.checkLane(lane), lane.name).toEqual([])
  await session.begin(settings)
  const { operations } = await session.add([line])
  const rows = await session.operations(operations - 1, operations)
  expect(rows[0].outcomes.map(outcome => outcome?.status)).not.toContain('failed')
  return operations
}

describe('the run of a report', () => {
  it.each([1, 2] as const)('of version %i has its engines and options, and says what stands in for its work', async version => {
    const run = runOfReport(reportOf(version), await tables)
    expect(run.settings.lanes).toEqual([
      { name: 'lsm-leveled', engine: 'lsm', options: { compaction: 'leveled', writeBufferSize: 65536 } },
      { name: 'btree', engine: 'btree', options: {} },
    ])
    expect(format(run.line)).toBe('random 1000 values 84B')
    expect(run.notes).toEqual([
      'No line can do the workload dataset: puts of random keys stand in for it.',
      'No lanes: memory, a-peer. A page runs up to 3 of lsm, btree and hash.',
    ])
    expect(await performed(run)).toBe(1000)
  })

  it('is as small as a page can step through, with sizes to match, and says so', async () => {
    const phases = [
      { name: 'load', about: '', operations: 1000, kind: 'write' },
      { name: 'ycsb-a', about: '', operations: 500_000, kind: 'mixed' },
    ] as const
    const work = { name: 'ycsb-a', entries: 1_000_000, keyBytes: 16, valueBytes: 1000, seed: 7, phases }
    const run = runOfReport(changed(work, { compaction: 'tiered', cacheSize: 'auto' }), await tables)
    expect(format(run.line)).toBe('ycsb-a 2000 values 1000B seed 7')
    expect(parse(format(run.line))).toEqual(run.line)
    expect(run.settings.lanes[0].options).toEqual({
      compaction: 'tiered',
      cacheSize: 131_072,
      writeBufferSize: 32_768,
      level1Size: 131_072,
      maxFileSize: 16_384,
    })
    expect(run.notes).toEqual([
      'The run has 2,000 calls on 2,000 entries; that of the report had 500,000 on 1,000,000.',
      'lsm-leveled has sizes for fewer entries: writeBufferSize 32,768, level1Size 131,072, maxFileSize 16,384, cacheSize 131,072. All other options are those of the report, or defaults.',
      'btree has sizes for fewer entries: writeBufferSize 262,144, cacheSize 131,072. All other options are those of the report, or defaults.',
      'No lanes: memory, a-peer. A page runs up to 3 of lsm, btree and hash.',
    ])
    for (const lane of run.settings.lanes) expect(await session.checkLane(lane)).toEqual([])
  })

  it('leaves out options that an engine does not take, by name', async () => {
    const run = runOfReport(changed({}, { compaction: 'sideways', fanOut: 4, toString: 1 }), await tables)
    expect(run.settings.lanes[0].options).toEqual({ fanOut: 4 })
    expect(run.notes.join()).toContain('lsm-leveled has the default of compaction, toString')
  })

  it('has no lanes where no engine runs in a page', async () => {
    const report = reportOf(2)
    const run = runOfReport({ ...report, engines: report.engines.slice(2) }, await tables)
    expect(run.settings.lanes).toEqual([])
    expect(run.notes.join()).toContain('No lanes: memory, a-peer')
  })
})
