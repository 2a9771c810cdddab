import type { RunReport, VerificationReport } from './run-report.js'

/** Engines with the same verification without problems stand together in a map, where there are many. */
export function verifications({ engines, map }: RunReport): { readonly names: string; readonly verification: VerificationReport }[] {
  const groups: { names: string; verification: VerificationReport }[] = []
  for (const { name, verification } of engines) {
    const same = ({ verification: other }: (typeof groups)[number]): boolean =>
      other.problemCount + verification.problemCount === 0 && other.digest === verification.digest && other.entries === verification.entries
    const group = map === undefined ? undefined : groups.find(same)
    if (group === undefined) groups.push({ names: name, verification })
    else group.names += `, ${name}`
  }
  return groups
}
