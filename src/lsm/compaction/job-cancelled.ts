/** A job that was told to give up has. */
export class JobCancelled extends Error {
  override readonly name = 'JobCancelled'
}
