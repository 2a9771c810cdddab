/** An exercise: its task, the learner's file, its checks, and the file as a part of a lane. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { PartFailure } from '../parts/part-settings.js'
import type { CheckBegins, Difference } from '../session/part-answers.js'
import { errorText } from './error-text.js'
import { connect, type Client } from './client.js'
import { forgetPart, keepPart, keptPart, MOST_CHARACTERS } from './kept-parts.js'
import { makePartEditor, type PartEditor } from './part-editor.js'
import { difference, end, findDifference, isUsed, use } from './part-run.js'
import { goTo, isBusy, summary } from './state.js'
import { newWorker } from './workers.js'
import { TableHead } from './table-head.js'

interface ExerciseText {
  readonly name: string
  readonly title: string
  /** The task, as HTML that the build has made. */
  readonly task: string
  readonly starter: string
}

type Checked = CheckBegins & { readonly isPassed: boolean }

const SEED = 1
/** How long a check may take. */
const MOST_CHECK_MS = 60_000

const STAGES: Readonly<Record<PartFailure['stage'], string>> = {
  load: 'The file',
  exports: 'The exports of the file',
  units: 'Unit checks',
  model: 'A real store with your part in it, beside a sorted map',
  divergence: 'The same store, beside one with the reference in it',
}

const exercises = signal<readonly ExerciseText[]>([])
const chosen = signal('')
const note = signal('')
const isChecking = signal(false)
const checked = signal<readonly Checked[]>([])
const failure = signal<PartFailure | undefined>(undefined)
/** The file that was checked last. */
const checkedSource = signal('')
let editor: PartEditor | undefined
let endCheck: ((why: string) => void) | undefined

export function ExercisePanel(): JSX.Element {
  useEffect(() => void load(), [])
  const exercise = exercises.value.find(({ name }) => name === chosen.value)
  return (
    <div
      class="exercise"
      onDragOver={event => event.preventDefault()}
      onDrop={event => {
        // A file that is dropped elsewhere is one of a store.
        event.preventDefault()
        event.stopPropagation()
        const file = event.dataTransfer?.files[0]
        if (file !== undefined) void bring(file)
      }}
    >
      <p class="exercise-row">
        <label>
          Exercise{' '}
          <select value={chosen.value} onChange={event => choose(event.currentTarget.value)}>
            {exercises.value.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </p>
      {exercise === undefined ? null : (
        <>
          <details class="exercise-task">
            <summary>The task</summary>
            <div dangerouslySetInnerHTML={{ __html: exercise.task }} />
          </details>
          <FileEditor key={exercise.name} exercise={exercise} />
          <UsedPart />
          <Checks exercise={exercise.name} />
        </>
      )}
    </div>
  )
}

async function load(): Promise<void> {
  if (exercises.value.length > 0) return
  try {
    exercises.value = (await (await fetch('exercises.json')).json()) as readonly ExerciseText[]
    choose(exercises.value[0].name)
  } catch (error) {
    note.value = `The exercises cannot be loaded: ${errorText(error)}`
  }
}

function choose(name: string): void {
  endCheck?.('Another exercise was chosen.')
  chosen.value = name
  checked.value = []
  failure.value = undefined
  note.value = ''
}

/** A file of the reader takes the place of the text. */
async function bring(file: File): Promise<void> {
  if (!/\.[cm]?[jt]s$/.test(file.name))
    note.value = `${file.name} is no TypeScript and no JavaScript: bring a file that ends in .ts or .js.`
  else if (file.size > MOST_CHARACTERS) note.value = `${file.name} is too large for a part: ${file.size} bytes.`
  else {
    editor?.set(await file.text())
    note.value = `This is ${file.name} now. Ctrl+Z brings back what was here.`
  }
}

function FileEditor({ exercise: { name, starter } }: { readonly exercise: ExerciseText }): JSX.Element {
  const parent = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const made = makePartEditor(parent.current!, keptPart(name) ?? starter, {
      label: `Your ${name}.ts`,
      describedBy: 'part-note',
      onChange: text => {
        if (!keepPart(name, text)) note.value = 'The browser does not keep this text: save it as a file before you leave.'
      },
    })
    editor = made
    return () => {
      made.destroy()
      if (editor === made) editor = undefined
    }
  }, [])
  return (
    <>
      <div ref={parent} class="part-editor" />
      <p id="part-note" class="about" aria-live="polite">
        {note.value || 'What you write stays in this browser. Tab leaves the editor; Ctrl+] and Ctrl+[ change the indentation.'}
      </p>
      <p class="exercise-row">
        <button type="button" disabled={isChecking.value} onClick={() => void check(name)}>
          Check
        </button>
        <button type="button" disabled={isBusy.value} onClick={() => void use(name, editor!.text())}>
          Use it as a lane
        </button>
        <label>
          Bring a file{' '}
          <input
            type="file"
            accept=".ts,.js,.mts,.mjs"
            onChange={event => {
              const file = event.currentTarget.files?.[0]
              if (file !== undefined) void bring(file)
            }}
          />
        </label>
        <button type="button" onClick={() => save(name)}>
          Save as a file
        </button>
        <button
          type="button"
          onClick={() => {
            editor!.set(starter)
            forgetPart(name)
            note.value = 'This is the file to begin with. Ctrl+Z brings back what was here.'
          }}
        >
          Begin anew
        </button>
      </p>
    </>
  )
}

function save(name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([editor!.text()], { type: 'text/typescript' }))
  link.download = `${name}.ts`
  link.click()
  URL.revokeObjectURL(link.href)
}

/** Runs the checks in a worker of their own, which is ended when one of them takes too long. */
async function check(name: string): Promise<void> {
  const source = editor!.text()
  isChecking.value = true
  checked.value = []
  failure.value = undefined
  checkedSource.value = source
  editor!.mark(undefined)
  let timer: ReturnType<typeof setTimeout> | undefined
  let client: Client | undefined
  try {
    const found = await new Promise<PartFailure | undefined>((resolve, reject) => {
      let present: CheckBegins = { stage: 'load', check: 'the file can be loaded' }
      endCheck = message => resolve({ ...present, message })
      client = connect(
        newWorker('part-worker'),
        () => undefined,
        begins => {
          present = begins
          checked.value = [...checked.value.map(each => ({ ...each, isPassed: true })), { ...begins, isPassed: false }]
          clearTimeout(timer)
          timer = setTimeout(
            () => endCheck?.(`This did not come to an end in ${MOST_CHECK_MS / 1000} s. Is there an endless loop?`),
            MOST_CHECK_MS,
          )
        },
      )
      client.checkPart(name, source, SEED).then(resolve, reject)
    })
    failure.value = found
    if (found === undefined) checked.value = checked.value.map(each => ({ ...each, isPassed: true }))
    else editor?.mark(found.place)
  } catch (error) {
    failure.value = { stage: 'load', check: 'the checks run', message: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
    endCheck = undefined
    client?.close()
    isChecking.value = false
  }
}

function Checks({ exercise }: { readonly exercise: string }): JSX.Element | null {
  if (checked.value.length === 0) return null
  const stages = [...new Set(checked.value.map(({ stage }) => stage))]
  const wrong = failure.value
  return (
    <section class="exercise-checks" aria-label="Checks">
      <p role="status">
        {isChecking.value
          ? `Checking: ${checked.value.at(-1)!.check}.`
          : wrong === undefined
            ? 'All checks pass: your part does what the reference does.'
            : `This does not hold: ${wrong.check}.`}{' '}
        {isChecking.value ? (
          <button type="button" onClick={() => endCheck?.('You stopped this check. If it did not go on, there may be an endless loop.')}>
            Stop
          </button>
        ) : null}
      </p>
      {stages.map(stage => (
        <StageChecks key={stage} stage={stage} checks={checked.value.filter(each => each.stage === stage)} />
      ))}
      {wrong === undefined ? null : (
        <>
          <pre class="check-message" tabIndex={0} aria-label="What is wrong">
            {wrong.place === undefined
              ? wrong.message
              : `Line ${wrong.place.line}${wrong.place.column === undefined ? '' : `, column ${wrong.place.column}`}: ${wrong.message}`}
          </pre>
          {wrong.stage === 'divergence' ? (
            <button type="button" disabled={isBusy.value} onClick={() => void showDivergence(exercise)}>
              Step to the first difference
            </button>
          ) : null}
        </>
      )}
    </section>
  )
}

interface StageChecksProps {
  readonly stage: PartFailure['stage']
  readonly checks: readonly Checked[]
}

/** A stage; the checks in it that pass are a list to open. */
function StageChecks({ stage, checks }: StageChecksProps): JSX.Element {
  const passed = checks.filter(({ isPassed }) => isPassed)
  const open = checks.find(({ isPassed }) => !isPassed)
  return (
    <div>
      <h3>{STAGES[stage]}</h3>
      {passed.length === 0 ? null : (
        <details>
          <summary>
            <span class="check-mark check-passed">✓ passed</span> {passed.length === 1 ? '1 check' : `${passed.length} checks`}
          </summary>
          <ul>
            {passed.map(({ check }) => (
              <li key={check}>{check}</li>
            ))}
          </ul>
        </details>
      )}
      {open === undefined ? null : (
        <p>
          <span class="check-mark check-open">{isChecking.value ? '… running' : '✗ failed'}</span> {open.check}
        </p>
      )}
    </div>
  )
}

/** The operations of the comparison as a run, at the first step where the part goes another way. */
async function showDivergence(exercise: string): Promise<void> {
  const client = connect(newWorker('part-worker'), () => undefined)
  const script = await client.partScript(exercise, SEED).finally(() => client.close())
  await use(exercise, checkedSource.value, script)
}

function UsedPart(): JSX.Element | null {
  const lanes = summary.value?.settings.lanes ?? []
  const found = difference.value
  const section = useRef<HTMLElement>(null)
  useEffect(() => {
    if (found !== undefined) section.current?.scrollIntoView({ block: 'nearest' })
  }, [found])
  if (!isUsed(lanes)) return null
  return (
    <section ref={section} class="used-part" aria-labelledby="used-part-h">
      <h3 id="used-part-h">Your part beside the reference</h3>
      <p class="exercise-row">
        <button type="button" disabled={isBusy.value} onClick={() => void findDifference()}>
          First difference
        </button>
        <button type="button" onClick={() => void end()}>
          Back to the run without it
        </button>
      </p>
      <p role="status">
        {found === undefined
          ? 'Operations go into both lanes. Look for a difference when you have added some.'
          : found === 'none'
            ? 'Both lanes take the same steps so far. Add operations, or let power fail in both, and look again.'
            : `The lanes go different ways after ${found.same} equal steps. This is the first that differs:`}
      </p>
      {found === undefined || found === 'none' ? null : <Steps found={found} />}
    </section>
  )
}

function Steps({ found: { before, steps, fields } }: { readonly found: Difference }): JSX.Element {
  return (
    <>
      {before.length === 0 ? null : (
        <details>
          <summary>The steps before, which are equal</summary>
          <ol>
            {before.map((sentence, index) => (
              <li key={index}>{sentence}</li>
            ))}
          </ol>
        </details>
      )}
      <div class="both-steps">
        {steps.map((step, index) => (
          <section key={index} aria-label={index === 0 ? 'With the reference' : 'With your part'}>
            <h4>{index === 0 ? 'With the reference' : 'With your part'}</h4>
            <p>{step?.sentence ?? 'Nothing more happens.'}</p>
            {step === undefined ? null : (
              <button type="button" onClick={() => void goTo(step.position)}>
                Go there
              </button>
            )}
          </section>
        ))}
      </div>
      {fields.length === 0 ? null : (
        <table>
          <caption>What differs in them</caption>
          <TableHead names={['Field', 'Reference', 'Yours']} />
          <tbody>
            {fields.map(({ name, values }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{values[0]}</td>
                <td>{values[1]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}
