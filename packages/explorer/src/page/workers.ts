/** The programs that run beside the page. */

export function newWorker(name: 'worker' | 'part-worker'): Worker {
  return new Worker(new URL(`${name}.js`, document.baseURI), { type: 'module' })
}
