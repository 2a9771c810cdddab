/** A mistake of the command's user: printed without a stack, with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
