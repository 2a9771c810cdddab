/**
 * Whether a task is done. These rules hold for every task beside its own conditions, so that none is done by doing less:
 *
 * 1. The operations of the lesson, or of the challenge, are in the run, from the first one on; a challenge has no others.
 * 2. Every lane that the task began with is there, with its engine.
 * 3. No operation has failed.
 */
import { format, parse } from '../run/command.js'
import type { Operation } from '../run/operation.js'
import { linesOf } from '../run/scenario.js'
import type { Facts } from '../session/facts.js'
import type { RunSettings } from '../run/settings.js'
import type { Challenge, Condition, Task, TaskFacts } from './lesson.js'

export interface Verdict {
  readonly isMet: boolean
  readonly conditions: readonly Condition[]
  /** Absent where the task is not done, or has none. */
  readonly score?: number
}

export function judgeFree(task: Task, lines: readonly string[], settings: RunSettings, facts: TaskFacts): Verdict {
  const isKept = keepsRun(facts.now.script, lines)
  return judge(task, settings, facts, {
    text: isKept ? 'The operations of the lesson are in the run.' : 'The run must begin with the operations of the lesson.',
    isMet: isKept,
  })
}

export function judgeChallenge(challenge: Challenge, facts: TaskFacts): Verdict {
  const { script } = facts.now
  const { lines, settings, score } = challenge
  const isSame = keepsRun(script, lines) && script.length === lines.length
  const found = judge(challenge, settings, facts, {
    text: isSame ? 'The operations are those of the challenge.' : 'The operations must be those of the challenge, and no others.',
    isMet: isSame,
  })
  return { ...found, ...(found.isMet && score !== undefined && { score: score.of(facts) }) }
}

/** The conditions of a task are about a run that keeps the rules. */
function judge(task: Task, settings: RunSettings, facts: TaskFacts, operations: Condition): Verdict {
  const first = [operations, ...rules(settings, facts)]
  const conditions = first.every(({ isMet }) => isMet) ? [...first, ...task.conditions(facts)] : first
  return { isMet: conditions.every(({ isMet }) => isMet), conditions }
}

function rules({ lanes }: RunSettings, { now }: TaskFacts): readonly Condition[] {
  const missing = lanes.find(({ engine }, index) => now.lanes[index]?.engine !== engine)
  const failed = now.lanes.reduce((sum, lane) => sum + lane.failed, 0)
  return [
    ...(missing === undefined ? [] : [{ text: `Lane "${missing.name}" must be in its place, with its engine.`, isMet: false }]),
    ...(failed === 0 ? [] : [{ text: `No operation may fail; ${failed} did.`, isMet: false }]),
  ]
}

/** Whether a run begins with these operations. */
export function keepsRun(script: readonly string[], lines: readonly string[]): boolean {
  return linesOf(lines).every((line, index) => format(line) === script[index])
}

/** A rule of some tasks: what is put stays. */
export function deletesNothing({ script }: Facts): Condition {
  const isMet = !script.some(text => {
    const line = parse(text)
    return 'operation' in line && deletes(line.operation)
  })
  return { text: isMet ? 'Nothing is deleted.' : 'There must be no del and no clear.', isMet }
}

function deletes(operation: Operation): boolean {
  if (operation.type === 'batch') return operation.operations.some(deletes)
  if (operation.type === 'in') return deletes(operation.operation)
  return operation.type === 'del' || operation.type === 'clear'
}
