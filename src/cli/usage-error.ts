/** What the user of the command got wrong: told without a stack, with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
