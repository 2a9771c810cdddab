/** A run as the page that replays it, which needs no network and opens from a file. */
import { replayPage, type FoundFiles, type Item } from 'kvarium-lab/replay'
import { describe } from 'kvarium/observe'
import { ExplorerError } from '../run/explorer-error.js'
import { formatOperation } from '../run/command.js'
import { outcomeText } from '../run/outcome-text.js'
import type { Moment, Run } from '../run/run.js'
import { eventsBefore } from '../run/events-before.js'

/**
 * Opens at a position of the run.
 * @param script - That of the page, see `replayPage`.
 */
export function replayText(run: Run, position: number, script: string): string {
  const names = run.settings.lanes.map(({ name }) => name)
  const found = run.found.map(({ lane, position: at, fileSystem }): FoundFiles => ({
    store: names[lane],
    position: at,
    events: eventsBefore(fileSystem),
  }))
  const items = itemsOf(run)
  if (items.length === 0)
    throw new ExplorerError(
      'KVARIUM_NOT_REPEATABLE',
      'There is nothing to replay: the recording has no events. Record a store that does something',
    )
  return replayPage({ title: `${names.join(', ')}: a run of the explorer`, items, position: position - 1, found }, script)
}

/** An item per moment. */
export function itemsOf({ moments, operations, settings }: Run): readonly Item[] {
  let call = 0
  const item = (moment: Moment): Item => {
    const { name: store, engine } = settings.lanes[moment.lane]
    switch (moment.kind) {
      case 'event':
        return { kind: 'event', store, event: moment.event, text: describe(moment.event), shown: false }
      case 'call': {
        const { operation } = moment
        return { kind: 'call', call: ++call, store, text: operation < 0 ? `open ${engine}` : formatOperation(operations[operation]) }
      }
      case 'return':
        return { kind: 'return', call, store, text: outcomeText(moment.outcome) }
    }
  }
  return moments.map(item)
}
