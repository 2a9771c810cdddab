/** A promise and what settles it. */
export class Settled<T> {
  resolve!: (result: T) => void
  reject!: (error: unknown) => void
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve
    this.reject = reject
  })

  constructor() {
    // A failure that is not waited for is no unhandled one.
    this.promise.catch(() => undefined)
  }
}
