/** Playing: the page goes on by itself, a number of moments a second. */
import { signal } from '@preact/signals'
import { goTo, last, position } from './state.js'

/** Moments a second. */
export const SPEEDS = [1, 5, 25, 250, 2500] as const
/** Shown pictures a second at most: quicker speeds leave moments out. */
const MOST_PICTURES = 25

export const speed = signal<number>(5)
export const isPlaying = signal(false)

export function togglePlay(): void {
  isPlaying.value = !isPlaying.value
  if (isPlaying.value) void play()
}

async function play(): Promise<void> {
  while (isPlaying.value && position.value < last.value) {
    const began = performance.now()
    const moments = Math.max(1, Math.round(speed.value / MOST_PICTURES))
    await goTo(position.value + moments)
    const left = (1000 * moments) / speed.value - (performance.now() - began)
    await new Promise(resolve => setTimeout(resolve, Math.max(0, left)))
  }
  isPlaying.value = false
}
