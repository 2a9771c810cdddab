/** Workloads of the user's own, from files. */
import { chosenExport, isObject, wrong, type ExportKind } from '../compare/own-modules.js'
import type { Plan, Workload } from './workload.js'

/**
 * The workload that a file exports: its default export, or the only export that is a workload. Its plans are checked when they are made.
 * @throws MisuseError that says what is wrong with the file.
 */
export async function loadWorkload(path: string): Promise<Workload> {
  const workload = await chosenExport<Workload>(path, WORKLOAD)
  for (const field of ['name', 'about', 'source'] as const) {
    if (typeof workload[field] !== 'string') throw wrong(path, `the workload's "${field}" must be text`)
  }
  if (!/^[\w.-]+$/.test(workload.name)) throw wrong(path, `the workload cannot be called "${workload.name}": it names a report`)
  return { ...workload, plan: size => checkedPlan(path, workload.plan(size)) }
}

const WORKLOAD: ExportKind = {
  what: 'workload',
  isOne: value => isObject(value) && typeof value.plan === 'function',
  must: 'a Workload (a type of kvarium-lab/workloads) with "name", "about", "source" and "plan"',
}

const KINDS: readonly unknown[] = ['write', 'read', 'mixed', 'other']

function checkedPlan(path: string, plan: Plan): Plan {
  const fail = (message: string): never => {
    throw wrong(path, `the plan ${message}`)
  }
  if (!isObject(plan)) return fail('must be an object with "entries", "keyBytes", "valueBytes" and "phases"')
  for (const field of ['entries', 'keyBytes', 'valueBytes'] as const) {
    if (!Number.isFinite(plan[field]) || plan[field] < 0) fail(`needs a number "${field}"`)
  }
  if (!Array.isArray(plan.phases) || plan.phases.length === 0) fail('needs "phases", a list of at least one')
  for (const [index, phase] of plan.phases.entries()) {
    const at = `phase ${index + 1} of the plan`
    if (typeof phase.name !== 'string' || typeof phase.about !== 'string') throw wrong(path, `${at} needs texts "name" and "about"`)
    if (!Number.isSafeInteger(phase.operations)) throw wrong(path, `${at} needs "operations", how many calls it makes`)
    if (!KINDS.includes(phase.kind)) throw wrong(path, `${at} needs a "kind": ${KINDS.join(', ')}`)
    if (!Array.isArray(phase.lanes) || phase.lanes.length === 0 || phase.lanes.some((lane: unknown) => typeof lane !== 'function')) {
      throw wrong(path, `${at} needs "lanes": functions that yield operations, mostly one`)
    }
  }
  return plan
}
