/** The engines of the run and their options, as controls that the engines' own tables describe. */
import { type LaneSettings, MOST_LANES, type RunSettings } from '../run/settings.js'
import { signal } from '@preact/signals'
import type { OptionTable } from 'kvarium/engine'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { LANE_KINDS } from '../run/engine-lanes.js'
import type { SettingProblem } from '../session/protocol.js'
import { ForkButton } from './fork-button.js'
import { Option } from './option-control.js'
import { Refusal, unlessRefused } from './refusal.js'
import { ask, isBusy, replay, summary } from './state.js'

/** The settings as they are edited; none before the first change. */
const draft = signal<RunSettings | undefined>(undefined)
const tables = signal<Readonly<Record<string, OptionTable>>>({})
const problems = signal<readonly (readonly SettingProblem[])[]>([])

export function LaneSettingsPanel(): JSX.Element | null {
  const applied = summary.value?.settings
  useEffect(() => {
    draft.value = undefined
    problems.value = []
  }, [applied])
  if (applied === undefined) return null
  const settings = draft.value ?? applied
  const isWrong = problems.value.some(each => each.length > 0)
  return (
    <details
      class="settings"
      open
      onToggle={event => {
        if (event.currentTarget.open) void ask('engineOptions').then(found => (tables.value = found))
      }}
    >
      <summary>
        Engines and options: {applied.lanes.map(({ name }) => name).join(', ')}; seed {applied.seed}
      </summary>
      <form
        onSubmit={event => {
          event.preventDefault()
          if (!isWrong) void replay(settings)
        }}
      >
        <Refusal id="refusal-engines" />
        <fieldset class="settings-all" aria-label="Engines and options" {...unlessRefused('refusal-engines')}>
          <div class="settings-lanes">
            {settings.lanes.map((lane, index) => (
              <LaneForm key={index} lane={lane} index={index} settings={settings} />
            ))}
          </div>
          <p class="settings-row">
            {settings.lanes.length < MOST_LANES ? (
              <button
                type="button"
                onClick={() => change({ ...settings, lanes: [...settings.lanes, named(nextKind(settings), settings.lanes)] })}
              >
                Add an engine
              </button>
            ) : null}
            <label>
              Seed{' '}
              <input
                type="number"
                min={0}
                max={4294967295}
                value={settings.seed}
                onInput={event => change({ ...settings, seed: Math.max(0, Math.trunc(event.currentTarget.valueAsNumber || 0)) })}
              />
            </label>
            <button type="submit" disabled={isBusy.value || isWrong || draft.value === undefined}>
              Apply
            </button>
            <span class="about">Apply runs the same operations again with these engines and options.</span>
          </p>
        </fieldset>
      </form>
    </details>
  )
}

interface LaneFormProps {
  readonly lane: LaneSettings
  readonly index: number
  readonly settings: RunSettings
}

function LaneForm({ lane, index, settings }: LaneFormProps): JSX.Element {
  const set = (changed: LaneSettings): void => change({ ...settings, lanes: settings.lanes.with(index, changed) })
  const found = problems.value[index] ?? []
  const kind = LANE_KINDS.findIndex(
    ({ lane: { engine, options } }) => lane.part === undefined && engine === lane.engine && options.compaction === lane.options.compaction,
  )
  const table = Object.entries(tables.value[lane.engine] ?? {})
  return (
    <fieldset class="settings-lane">
      <legend>{lane.name}</legend>
      <p class="settings-row">
        <label>
          Engine{' '}
          <select
            value={kind}
            onChange={event => set(named(LANE_KINDS[Number(event.currentTarget.value)].lane, settings.lanes.toSpliced(index, 1)))}
          >
            {kind < 0 ? <option value={-1}>{engineText(lane)}</option> : null}
            {LANE_KINDS.map(({ title }, value) => (
              <option key={title} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
        {settings.lanes.length > 1 ? (
          <button type="button" onClick={() => change({ ...settings, lanes: settings.lanes.toSpliced(index, 1) })}>
            Remove {lane.name}
          </button>
        ) : null}
        {settings === summary.value?.settings ? <ForkButton lane={index} name={lane.name} /> : null}
      </p>
      {found
        .filter(({ option }) => option === undefined)
        .map(({ message }) => (
          <p key={message} class="problem" role="alert">
            {message}
          </p>
        ))}
      {table.map(([name, spec]) => (
        <Option
          key={name}
          id={`option-${index}-${name}`}
          name={name}
          spec={spec}
          value={lane.options[name]}
          problem={found.find(({ option }) => option === name)?.message}
          onChange={value => {
            const { [name]: _, ...others } = lane.options
            set({ ...lane, options: value === undefined ? others : { ...others, [name]: value } })
          }}
        />
      ))}
    </fieldset>
  )
}

function engineText({ engine, part }: LaneSettings): string {
  return part === undefined ? engine : `${engine} with ${part.source === undefined ? 'the reference' : 'your part'} of ${part.exercise}`
}

function change(settings: RunSettings): void {
  draft.value = settings
  void Promise.all(settings.lanes.map(lane => ask('checkLane', lane))).then(found => {
    if (draft.value === settings) problems.value = found
  })
}

/** The first kind of engine that no lane has yet. */
function nextKind({ lanes }: RunSettings): LaneSettings {
  const free = LANE_KINDS.find(({ lane }) => !lanes.some(({ name }) => name === lane.name))
  return (free ?? LANE_KINDS[0]).lane
}

/** The lane with a name that none of the others has. */
function named(lane: LaneSettings, others: readonly LaneSettings[]): LaneSettings {
  const isTaken = (name: string): boolean => others.some(other => other.name === name)
  let name = lane.name
  for (let count = 2; isTaken(name); count++) name = `${lane.name}-${count}`
  return { ...lane, name }
}
