/** An option of an engine as a control, with what it does, as the engine's own table describes it. */
import type { OptionSpec } from 'kvarium/engine'
import type { JSX } from 'preact'
import type { Setting } from '../run/settings.js'
import { number } from './format.js'

interface OptionProps {
  readonly id: string
  readonly name: string
  readonly spec: OptionSpec
  /** Absent for the default. */
  readonly value: Setting | undefined
  readonly problem: string | undefined
  readonly onChange: (value: Setting | undefined) => void
}

export function Option({ id, name, spec, value, problem, onChange }: OptionProps): JSX.Element | null {
  if (spec.type === 'object') return null
  const describedBy = { 'aria-describedby': `${id}-about`, 'aria-invalid': problem !== undefined }
  return (
    <div class="option">
      <label for={id}>{name}</label>
      {spec.type === 'integer' ? (
        <input
          id={id}
          type="number"
          min={spec.min}
          max={spec.max}
          placeholder={String(spec.default)}
          value={value === undefined ? '' : String(value)}
          {...describedBy}
          onInput={({ currentTarget: { value: text, valueAsNumber } }) => onChange(text === '' ? undefined : valueAsNumber)}
        />
      ) : (
        <select
          id={id}
          value={value === undefined ? '' : String(value)}
          {...describedBy}
          onChange={({ currentTarget: { value: text } }) =>
            onChange(text === '' ? undefined : spec.type === 'boolean' ? text === 'true' : text)
          }
        >
          <option value="">default: {String(spec.default)}</option>
          {(spec.type === 'choice' ? spec.choices : ['true', 'false']).map(choice => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      )}
      <p id={`${id}-about`} class="about">
        {spec.about}
        {spec.type === 'integer'
          ? ` From ${number(spec.min)} to ${number(spec.max)}${unitText(spec.unit)}; default ${number(spec.default)}.`
          : ''}
        {problem === undefined ? null : <strong class="option-problem"> {problem}</strong>}
      </p>
    </div>
  )
}

function unitText(unit: string | undefined): string {
  return unit === undefined ? '' : ` ${unit}`
}
