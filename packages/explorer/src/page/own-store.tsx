/** A store of the reader, or a recording of one: files are dropped on the page, or chosen. */
import type { JSX } from 'preact'
import { isBusy, openFiles, summary } from './state.js'
import { chosenFiles } from './store-files.js'

export function OwnStore(): JSX.Element {
  return (
    <section class="own-store" aria-labelledby="own-store-h">
      <h2 id="own-store-h">Your own store</h2>
      <p>
        Drop the directory of a store on this page, or all of its files, or a recording (the JSON lines of kvarium/observe). The page copies
        them into its memory: your files stay as they are, and nothing leaves this machine.
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
      {summary.value?.isOfFiles ? (
        <p role="status">
          This is a copy of your store. Its run begins with the opening. Operations change the copy alone; no link and no program can carry
          it.
        </p>
      ) : null}
      {summary.value?.isRecorded ? (
        <p role="status">
          This is a recording: every event can be stepped through, and no operations can be added. Drawings begin with its first event.
        </p>
      ) : null}
    </section>
  )
}

function choose({ files }: HTMLInputElement): void {
  if (files !== null && files.length > 0) void openFiles(async () => chosenFiles(files))
}
