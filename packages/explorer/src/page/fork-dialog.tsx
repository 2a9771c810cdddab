/** Asks which option of a lane a fork changes. */
import type { OptionSpec, OptionTable } from 'kvarium/engine'
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { replaceable, type Fork } from '../run/fork.js'
import type { Setting } from '../run/settings.js'
import { fork } from './fork.js'
import { forking } from './forking.js'
import { openPanel } from './open-panel.js'
import { Option } from './option-control.js'
import { focusTab } from './panel-tabs.js'
import { Problem } from './problem.js'
import { ask, summary } from './state.js'
import { useAnswer } from './use-answer.js'

export function ForkDialog(): JSX.Element | null {
  const { answer: tables, problem } = useAnswer('engineOptions', [])
  const lane = forking.value
  const settings = summary.value?.settings.lanes[lane ?? -1]
  if (problem !== undefined && lane !== undefined) return <Problem text={problem} />
  if (tables === undefined || lane === undefined || settings === undefined) return null
  return <Form lane={lane} table={tables[settings.engine] ?? {}} />
}

function Form({ lane, table }: { readonly lane: number; readonly table: OptionTable }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const { lanes } = summary.value!.settings
  const { name, options } = lanes[lane]
  const specs: readonly (readonly [string, OptionSpec])[] = Object.entries(table).filter(([, { type }]) => type !== 'object')
  const [option, setOption] = useState(specs[0]?.[0] ?? '')
  const [value, setValue] = useState<Setting | undefined>(options[option])
  const [wrong, setWrong] = useState<string | undefined>(undefined)
  const places = replaceable(lanes, lane)
  const [replaces, setReplaces] = useState(places.at(-1))
  useEffect(() => dialog.current!.showModal(), [])
  useEffect(() => {
    let isCurrent = true
    const { [option]: _, ...others } = options
    const changed = value === undefined ? others : { ...others, [option]: value }
    void ask('checkLane', { ...lanes[lane], options: changed }).then(problems => {
      if (isCurrent) setWrong(problems[0]?.message)
    })
    return () => {
      isCurrent = false
    }
  }, [option, value])
  const spec = table[option]
  if (spec === undefined || spec.type === 'object') {
    return (
      <dialog ref={dialog} class="fork" aria-labelledby="fork-title" onClose={close} onKeyDown={event => event.stopPropagation()}>
        <h2 id="fork-title">Fork {name}</h2>
        <p>The page knows no options of this engine.</p>
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </dialog>
    )
  }
  const settingOf = (given: Setting | undefined): unknown => given ?? spec.default
  const isSame = settingOf(value) === settingOf(options[option])
  return (
    <dialog ref={dialog} class="fork" aria-labelledby="fork-title" onClose={close} onKeyDown={event => event.stopPropagation()}>
      <h2 id="fork-title">Fork {name}</h2>
      <p>Another lane does the same operations with one option changed. Which one?</p>
      <form
        onSubmit={event => {
          event.preventDefault()
          if (!isSame && wrong === undefined) void replayWith({ lane, option, value, ...(replaces !== undefined && { replaces }) })
        }}
      >
        <p class="settings-row">
          <label>
            Option{' '}
            <select
              value={option}
              onChange={({ currentTarget: { value: chosen } }) => {
                setOption(chosen)
                setValue(options[chosen])
              }}
            >
              {specs.map(([known]) => (
                <option key={known}>{known}</option>
              ))}
            </select>
          </label>
        </p>
        <Option key={option} id="fork-option" name={option} spec={spec} value={value} problem={wrong} onChange={setValue} />
        {places.length === 0 ? null : (
          <p class="settings-row">
            <label>
              There is room for {lanes.length} lanes. It takes the place of{' '}
              <select value={replaces} onChange={event => setReplaces(Number(event.currentTarget.value))}>
                {places.map(place => (
                  <option key={place} value={place}>
                    {lanes[place].name}
                  </option>
                ))}
              </select>
            </label>
          </p>
        )}
        <p class="settings-row">
          <button type="submit" disabled={isSame || wrong !== undefined}>
            Fork and replay
          </button>
          <button type="button" onClick={() => dialog.current!.close()}>
            Cancel
          </button>
          <span class="about">{isSame ? `${name} has this value: choose another one.` : ''}</span>
        </p>
      </form>
    </dialog>
  )
}

/** The panel that compares. */
const PANEL = 'compare'

async function replayWith(choice: Fork): Promise<void> {
  close()
  if (!(await fork(choice))) return
  openPanel(PANEL)
  focusTab(PANEL)
}

function close(): void {
  forking.value = undefined
}
