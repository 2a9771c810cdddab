/** The pages of a B+tree, level by level: how full, where they lie, which way the last operation went, and the last split, spread or merge. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { PageLevelPicture, PagePicture, PagesPicture, SharingPicture } from '../../views/pages-fold.js'
import { wordText } from '../../run/command.js'
import { bytes, counted, number } from '../format.js'
import { select, selection } from '../state.js'
import type { DrawingProps } from './drawing.js'
import { useMoves } from './moves.js'
import { useRoving, type Roving } from './roving.js'

const STATES = { dirty: 'changed in memory, not in the file', written: 'in the file, not durable yet', clean: 'on disk' }
const SIGNS = { dirty: '*', written: '↓', clean: '' }

export function Pages({ lane, index }: DrawingProps): JSX.Element | null {
  const picture = lane.pictures.pages
  const drawn = picture?.levels.flatMap(level => level.drawn) ?? []
  const roving = useRoving(
    drawn.map(({ page }) => String(page)),
    drawn.findLast(({ slot }) => slot !== undefined)?.page.toString(),
  )
  useMoves(roving.around.ref)
  if (picture === undefined) return null
  const { shape, levels, sharing, shadowed } = picture
  const selected = selection.value?.lane === index && selection.value.kind === 'page' ? selection.value.page : undefined
  const toggle = (page: number): void => select(selected === page ? undefined : { lane: index, kind: 'page', page })
  return (
    <div class="pages">
      <p>
        {counted(shape.entries, 'entry', 'entries')} in {counted(shape.height, 'level')}. Changed pages take{' '}
        {bytes(shape.memory.dirtyBytes)} of memory.
      </p>
      <div {...roving.around} class="moving">
        {levels.map(level => (
          <Level key={level.depth} level={level} height={shape.height} selected={selected} toggle={toggle} roving={roving} />
        ))}
      </div>
      <p class="why">
        Bar: how full. <b>*</b> changed in memory, not in the file. <b>↓</b> in the file, not durable yet. <b>⤳</b> on the path of the last
        operation.
      </p>
      <Path picture={picture} />
      {sharing === undefined ? null : <Sharing sharing={sharing} toggle={toggle} />}
      {shadowed.count === 0 ? null : (
        <p>
          {counted(shadowed.count, 'page')} {shadowed.count === 1 ? 'is' : 'are'} in the tree no more, but a snapshot, a cursor or the last
          checkpoint still needs {shadowed.count === 1 ? 'it' : 'them'}:{' '}
          {shadowed.pages.map(({ page, by }, at) => (
            <span key={page}>
              {at === 0 ? '' : ', '}
              <PageLink page={page} toggle={toggle} />
              {by === undefined ? '' : ` (now ${by})`}
            </span>
          ))}
          {shadowed.count > shadowed.pages.length ? ` and ${number(shadowed.count - shadowed.pages.length)} older ones` : ''}.
        </p>
      )}
    </div>
  )
}

interface LevelProps {
  readonly level: PageLevelPicture
  readonly height: number
  readonly selected: number | undefined
  readonly toggle: (page: number) => void
  readonly roving: Roving
}

function Level({ level, height, selected, toggle, roving }: LevelProps): JSX.Element {
  const { depth, pages, drawn, before, after, unnamed } = level
  const name = depth === height - 1 ? (depth === 0 ? 'The only leaf' : 'Leaves') : depth === 0 ? 'Root' : `Branches at depth ${depth}`
  const left = [
    before > 0 ? `${number(before)} before` : '',
    after > 0 ? `${number(after)} after these` : '',
    unnamed > 0 ? `${number(unnamed)} that no event has named` : '',
  ].filter(text => text !== '')
  const boxes = useRef<HTMLUListElement>(null)
  const onPath = drawn.find(page => page.slot !== undefined)?.page
  useEffect(() => {
    const list = boxes.current
    const box = list?.querySelector<HTMLElement>('.on-path')
    if (list === null || !box) return
    const isSeen = box.offsetTop >= list.scrollTop && box.offsetTop + box.offsetHeight <= list.scrollTop + list.clientHeight
    if (!isSeen) list.scrollTop = box.offsetTop - list.clientHeight / 2
  }, [onPath, before])
  return (
    <div role="group" aria-label={name}>
      <h4>
        {name}: {counted(pages, 'page')}, {bytes(level.bytes)}
      </h4>
      <ul class="page-boxes" ref={boxes} aria-label={`${name}, by key`}>
        {drawn.map(page => (
          <li
            key={page.page}
            data-move={page.page}
            class={[page.state, page.slot === undefined ? '' : 'on-path', page.isTouched ? 'touched' : ''].join(' ')}
          >
            <button
              type="button"
              {...roving.item(String(page.page))}
              aria-pressed={page.page === selected}
              aria-label={labelOf(page)}
              title={labelOf(page)}
              onClick={() => toggle(page.page)}
            >
              {page.slot === undefined ? '' : '⤳'}
              {page.page}
              {SIGNS[page.state]}
              <span class="fill" aria-hidden="true">
                <span style={{ width: `${Math.min(100, 100 * (page.fill ?? 0))}%` }} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      {left.length === 0 ? null : <p class="why">Not drawn: {left.join(', ')}.</p>}
    </div>
  )
}

function labelOf({ page, state, entries, fill, copyOf, slot, isTouched }: PagePicture): string {
  return [
    `page ${page}`,
    entries === undefined ? '' : counted(entries, 'entry', 'entries'),
    fill === undefined ? '' : `${Math.round(fill * 100)} % full`,
    STATES[state],
    copyOf === undefined ? '' : `copy of page ${copyOf}`,
    slot === undefined ? '' : `on the path of the last operation, slot ${slot}`,
    isTouched ? 'this event is about it' : '',
  ]
    .filter(text => text !== '')
    .join(', ')
}

function Path({ picture: { path, root } }: { readonly picture: PagesPicture }): JSX.Element {
  const way = path.map(({ page, slot, entries }) => `page ${page} (slot ${slot} of ${entries})`).join(' → ')
  return (
    <p>
      {path.length === 0 ? 'The last operation has come to no page so far.' : `Path of the last operation: ${way}.`}
      {root?.heightBefore === undefined
        ? ''
        : ` The root is page ${root.page}: ${during(root.operation)} the height went from ${root.heightBefore} to ${root.height}.`}
    </p>
  )
}

function during(operation: number): string {
  return operation === 0 ? 'in the background' : `in the store's operation ${operation}`
}

const RULES: Readonly<Record<string, string>> = {
  middle: 'in the middle of its bytes',
  ascending: 'at its end, because keys come in ascending order',
  large: 'around an entry that has a page of its own',
  asked: 'as the option leafSplit says',
  merge: 'two neighbours fit into one page',
  pack: 'entries of the right page fill up the left one',
}

interface SharingProps {
  readonly sharing: SharingPicture
  readonly toggle: (page: number) => void
}

function Sharing({ sharing, toggle }: SharingProps): JSX.Element {
  const { kind, rule, operation, isLeaf, before, after, separators } = sharing
  const most = Math.max(1, ...[...before, ...after].map(({ entries = 0 }) => entries))
  const what = isLeaf ? 'a leaf' : 'a branch'
  const title = {
    split: `The last split: of ${what}`,
    spread: 'The last spread: two leaves share their entries anew',
    merge: `The last merge: of ${isLeaf ? 'leaves' : 'branches'}`,
  }[kind]
  const row = (pages: SharingPicture['before'], name: string, keys: readonly string[]): JSX.Element => (
    <tr>
      <th scope="row">{name}</th>
      <td class="text">
        {pages.map(({ page, entries }, at) => (
          <span key={page} class="shared-page">
            {at === 0 || keys[at - 1] === undefined ? '' : <code class="separator">{wordText(keys[at - 1])}</code>}
            <PageLink page={page} toggle={toggle} />: {entries === undefined ? 'entries unknown' : counted(entries, 'entry', 'entries')}
            <span class="fill" aria-hidden="true">
              <span style={{ width: `${(100 * (entries ?? 0)) / most}%` }} />
            </span>
          </span>
        ))}
      </td>
    </tr>
  )
  return (
    <table class="sharing">
      <caption>
        {title}
        {rule === undefined ? '' : `, ${RULES[rule] ?? rule}`}, {during(operation)}.{' '}
        {separators.length === 0 ? '' : 'Between the pages after stand the keys that separate them.'}
      </caption>
      <tbody>
        {row(before, 'before', [])}
        {row(after, 'after', separators)}
      </tbody>
    </table>
  )
}

function PageLink({ page, toggle }: { readonly page: number; readonly toggle: (page: number) => void }): JSX.Element {
  return (
    <button type="button" class="plain link" onClick={() => toggle(page)}>
      page {page}
    </button>
  )
}
