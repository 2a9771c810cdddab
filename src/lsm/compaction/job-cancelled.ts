/** A job was cancelled, and has ended. */
export class JobCancelled extends Error {
  override readonly name = 'JobCancelled'
}
