/** Files that are dropped anywhere on the page are opened as a store or a recording. */
import { openFiles } from './state.js'
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
    void openFiles(() => files)
  }
  document.addEventListener('dragover', allow)
  document.addEventListener('drop', drop)
  return () => {
    document.removeEventListener('dragover', allow)
    document.removeEventListener('drop', drop)
  }
}
