/** Reads a report of any version that the lab reads. */
import { visibleText } from 'kvarium/observe'
import { parseRunReport } from 'kvarium-lab/report'
import { ExplorerError } from '../run/explorer-error.js'
import type { StoredFile } from '../run/stored-files.js'
import type { OpenedReport } from './opened-report.js'

/** What a report may have, in bytes. */
const MOST_REPORT_BYTES = 16 << 20

/** Rejects with an Error that names the file, what is wrong with it, and what to choose. */
export async function readReport({ name: given, contents }: StoredFile): Promise<OpenedReport> {
  const name = visibleText(given)
  if (contents.size > MOST_REPORT_BYTES) {
    throw new ExplorerError(
      'KVARIUM_INVALID_FILES',
      `${name} has ${Math.ceil(contents.size / 2 ** 20)} MiB, and a page takes reports of at most ${MOST_REPORT_BYTES / 2 ** 20}: read it with kvarium report`,
    )
  }
  const text = await contents.text()
  try {
    return { name, report: parseRunReport(text) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ExplorerError(
      'KVARIUM_INVALID_FILES',
      `${name} cannot be shown. ${reason}. Choose report.json of kvarium compare, or what npm run bench writes for --report; what --json prints is another JSON`,
      {
        cause: error,
      },
    )
  }
}
