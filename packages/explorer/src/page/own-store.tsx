/** A store of the reader, a recording of one, or a report: files are dropped on the page, or chosen. */
import type { ComponentType, JSX } from 'preact'
import { number } from './format.js'
import { Lazy } from './lazy.js'
import { openedReport } from './opened-report.js'
import { isBusy, summary } from './state.js'
import { chosenFiles } from './store-files.js'
import { takeFiles } from './take-files.js'

const loadReport = async (): Promise<ComponentType> => (await import('./report.js')).Report

export function OwnStore(): JSX.Element {
  return (
    <section class="own-store" aria-labelledby="own-store-h">
      <h2 id="own-store-h">Your own store</h2>
      <p>
        Drop the directory of a store on this page, or all of its files, or a recording (the JSON lines of kvarium/observe), or a report
        (the JSON of kvarium compare). The page copies them into its memory: your files stay as they are, and nothing leaves this machine.
      </p>
      <p>
        <label>
          Directory of a store{' '}
          <input
            type="file"
            multiple
            disabled={isBusy.value}
            {...{ webkitdirectory: true }}
            onChange={event => choose(event.currentTarget)}
          />
        </label>
      </p>
      <p>
        <label>
          Recording <input type="file" accept=".jsonl" disabled={isBusy.value} onChange={event => choose(event.currentTarget)} />
        </label>
      </p>
      <p>
        <label>
          Report <input type="file" accept=".json" disabled={isBusy.value} onChange={event => choose(event.currentTarget)} />
        </label>
      </p>
      {summary.value?.isOfFiles ? (
        <p role="status">
          This is a copy of your store. Its run begins with the opening. Operations change the copy alone; no link and no program can carry
          it. {fixedText(summary.value.fixed ?? {})} All other options are defaults, which the panel "Engines" changes.
        </p>
      ) : null}
      {summary.value?.isRecorded ? (
        <p role="status">
          This is a recording: every event can be stepped through, and no operations can be added. Drawings begin with its first event.
        </p>
      ) : null}
      {openedReport.value === undefined ? null : <Lazy load={loadReport} />}
    </section>
  )
}

/** The options that stay as they were when the store was created, as its files say. */
function fixedText(fixed: Readonly<Record<string, unknown>>): string {
  const values = Object.entries(fixed).map(([name, value]) => `${name} ${typeof value === 'number' ? number(value) : String(value)}`)
  return values.length === 0
    ? 'No option was fixed when the store was created; tables keep the blocks, filters and compression with which they were written.'
    : `Fixed when the store was created, as its files say: ${values.join(', ')}.`
}

function choose(input: HTMLInputElement): void {
  const files = chosenFiles(input.files!)
  // The same file can be chosen again once it is mended.
  input.value = ''
  if (files.length > 0) void takeFiles(Promise.resolve(files))
}
