import { Ledger, type LedgerCounts, type ReadCounts, type StorePart } from 'kvarium/trace'

/** The part of the ledger that only grows, so that two readings give the amount between them. */
export type Traffic = Pick<LedgerCounts, 'userBytes' | 'written' | 'saved' | 'read' | 'syncs' | 'found' | 'missing' | 'scan'>

export const NO_TRAFFIC: Traffic = new Ledger().counts(0)

export function addTraffic(a: Traffic, b: Traffic): Traffic {
  return combine(a, b, 1)
}

export function subtractTraffic(a: Traffic, b: Traffic): Traffic {
  return combine(a, b, -1)
}

export function sumOf(parts: Readonly<Record<string, number>>): number {
  return Object.values(parts).reduce((sum, part) => sum + part, 0)
}

/** What was written into the files of the store itself. */
export function storeParts({ backup: _backup, ...parts }: Traffic['written']): Readonly<Record<StorePart, number>> {
  return parts
}

function combine(a: Traffic, b: Traffic, sign: 1 | -1): Traffic {
  return {
    userBytes: a.userBytes + sign * b.userBytes,
    written: combineFields(a.written, b.written, sign),
    saved: combineFields(a.saved, b.saved, sign),
    read: combineFields(a.read, b.read, sign),
    syncs: a.syncs + sign * b.syncs,
    found: combineFields<keyof ReadCounts>(a.found, b.found, sign),
    missing: combineFields<keyof ReadCounts>(a.missing, b.missing, sign),
    scan: combineFields<keyof ReadCounts>(a.scan, b.scan, sign),
  }
}

function combineFields<Name extends string>(
  a: Readonly<Record<Name, number>>,
  b: Readonly<Record<Name, number>>,
  sign: 1 | -1,
): Record<Name, number> {
  const names = Object.keys(a) as Name[]
  return Object.fromEntries(names.map(name => [name, a[name] + sign * b[name]])) as Record<Name, number>
}
