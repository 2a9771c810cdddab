/** Files that are dropped anywhere on the page are opened as a store, a recording or a report. */
import { droppedFiles } from './store-files.js'

/** Answers what ends it. */
export function takeDroppedFiles(): () => void {
  const allow = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes('Files')) event.preventDefault()
  }
  const drop = (event: DragEvent): void => {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    const files = droppedFiles(event.dataTransfer.items)
    void import('./take-files.js').then(({ takeFiles }) => takeFiles(files))
  }
  document.addEventListener('dragover', allow)
  document.addEventListener('drop', drop)
  return () => {
    document.removeEventListener('dragover', allow)
    document.removeEventListener('drop', drop)
  }
}
