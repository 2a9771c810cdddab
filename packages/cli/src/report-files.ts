/** The files of a run's report. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'
import { FormatError } from 'kvarium'
import { parseRunReport, renderHtml } from 'kvarium-lab/report'
import type { RunReport } from 'kvarium-lab/report'
import { UsageError } from './usage-error.js'

/** The default: in the current directory, replaced by the next run. */
export const REPORT_DIRECTORY = 'kvarium-report'

export interface ReportFiles {
  readonly html: string
  readonly json: string
}

/**
 * The files at a path: a directory, or a name that ends in .html or .json. Makes the directory at once, so that a long run does not
 * fail at its end.
 */
export function prepareReportFiles(path: string = REPORT_DIRECTORY): ReportFiles {
  const isFile = ['.html', '.json'].includes(extname(path))
  const directory = resolve(isFile ? dirname(path) : path)
  const name = isFile ? basename(path, extname(path)) : 'report'
  makeDirectory(directory)
  return { html: join(directory, `${name}.html`), json: join(directory, `${name}.json`) }
}

export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true })
  } catch (error) {
    throw new UsageError(`The report cannot be written to ${shownPath(directory)}: ${(error as Error).message}`)
  }
}

export function writeReport(report: RunReport, { html, json }: ReportFiles): void {
  writeText(json, reportJson(report))
  writeText(html, renderHtml(report))
}

export function reportJson(report: RunReport): string {
  return `${JSON.stringify(report, undefined, 1)}\n`
}

export function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${(error as Error).message}`)
  }
}

/** @throws UsageError when the file cannot be read or is not a report. */
export function readReport(path: string): RunReport {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`The report cannot be read: ${(error as Error).message}`)
  }
  try {
    return parseRunReport(text)
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(`${path}: ${error.message}`)
    throw error
  }
}

/** The path relative to the current directory if that is shorter. */
export function shownPath(path: string): string {
  const short = relative('', path)
  return short === '' || short.startsWith('..') ? path : short
}
