/**
 * The worker thread that flushes and compacts. It is handed whole jobs, since a message costs as much as merging a hundred
 * entries, and lets a newly arrived job start every few milliseconds: a flush must not wait for a long compaction.
 */
import { constants, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { loadHash32 } from '../../../codec/checksum.js'
import { nodeEnvironment } from '../../../vfs/node/node-environment.js'
import { TracedFileSystem } from '../../../vfs/traced-file-system.js'
import { JobRecorder } from './job-recorder.js'
import { runMergeJob } from '../merge-job.js'
import { LSM_FILES } from '../../file-names.js'
import { describeFailure, type JobMessage, type ReadyMessage, type ReplyMessage } from './worker-protocol.js'

const SLICE_MS = 4

// Where cores are scarce, the thread that serves users goes first. Only Linux gives single threads a priority.
if (process.platform === 'linux') {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Deno asks for a permission.
  }
}

const port = parentPort
if (port === null) throw new Error('compaction-worker.js is started by the worker executor, not directly')
const { fileSystem, clock, scheduler, deflate, zstd } = nodeEnvironment()

port.on('message', (message: JobMessage) => {
  void answer(message).then(reply => port.postMessage(reply))
})
port.postMessage({ ready: true } satisfies ReadyMessage)

async function answer({ id, job, record }: JobMessage): Promise<ReplyMessage> {
  let sliceEnd = clock.now() + SLICE_MS
  const breathe = (): Promise<void> | undefined => {
    if (clock.now() < sliceEnd) return undefined
    return scheduler.turn().then(() => {
      sliceEnd = clock.now() + SLICE_MS
    })
  }
  const recorder = record && new JobRecorder(record, () => clock.now())
  const trace = recorder?.span ?? null
  const files =
    recorder === undefined ? fileSystem : new TracedFileSystem(fileSystem, recorder.trace, job.directory, LSM_FILES, recorder.span)
  const outcome = await loadHash32()
    .then(hash32 => runMergeJob(job, { fileSystem: files, hash32, breathe, trace, deflate, zstd }))
    .then(
      result => ({ result }),
      (error: unknown) => ({ failure: describeFailure(error) }),
    )
  return { id, ...outcome, ...(recorder && { record: recorder.record }) }
}
