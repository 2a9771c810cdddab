/** What the reader drops or chooses: a report is shown beside the run, files of a store and recordings become the run. */
import { openPanel } from './open-panel.js'
import { openedReport } from './opened-report.js'
import { openFiles, performing } from './state.js'
import type { StoredFile } from '../run/stored-files.js'

/** What goes wrong becomes the problem of the page; the run and the report before stay. */
export async function takeFiles(files: Promise<readonly StoredFile[]>): Promise<void> {
  const file = await files.then(reportAmong, () => undefined)
  if (file === undefined) {
    await openFiles(() => files)
    return
  }
  await performing(async () => {
    const { readReport } = await import('./read-report.js')
    openedReport.value = await readReport(file)
    openPanel('your-store')
  })
}

/** A file alone that is named as JSON. No store has such files, and recordings are JSON lines. */
function reportAmong(files: readonly StoredFile[]): StoredFile | undefined {
  return files.length === 1 && files[0].name.toLowerCase().endsWith('.json') ? files[0] : undefined
}
