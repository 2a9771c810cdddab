import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { release } from '../../scripts/release.js'
import { FOLDERS, ROOT } from './support/installed-package.js'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kvarium-release-'))
  for (const folder of ['.', 'packages/lab', 'packages/cli']) {
    mkdirSync(join(root, folder), { recursive: true })
    cpSync(join(ROOT, folder, 'package.json'), join(root, folder, 'package.json'))
  }
  cpSync(join(ROOT, 'CHANGELOG.md'), join(root, 'CHANGELOG.md'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const manifest = (folder: string): Record<string, unknown> => JSON.parse(read(join(folder, 'package.json'))) as Record<string, unknown>

describe('a release', () => {
  it('gives every package one version and the range of the others, and the changelog a section', () => {
    release(root, '7.1.0', '2030-01-02')
    for (const folder of ['.', 'packages/lab', 'packages/cli']) expect(manifest(folder)['version']).toBe('7.1.0')
    expect(manifest('packages/cli')['dependencies']).toMatchObject({ kvarium: '^7.1.0', 'kvarium-lab': '^7.1.0' })
    const changelog = read('CHANGELOG.md')
    expect(changelog).toContain('## [Unreleased]\n\n## [7.1.0] - 2030-01-02\n')
    expect(changelog.replace('\n## [7.1.0] - 2030-01-02\n', '')).toBe(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'))
  })

  it.each([
    ['a version that is none', 'v1', 'is no version'],
    ['a version below the present one', '0.0.1', 'is not above it'],
  ])('of %s changes nothing', (_what, version, message) => {
    const before = [read('package.json'), read('CHANGELOG.md')]
    expect(() => release(root, version, '2030-01-02')).toThrow(message)
    expect([read('package.json'), read('CHANGELOG.md')]).toEqual(before)
  })

  it('is refused a second time, and without a change to release', () => {
    release(root, '7.1.0', '2030-01-02')
    expect(() => release(root, '7.1.0', '2030-01-02')).toThrow('is not above it')
    expect(() => release(root, '7.2.0', '2030-01-02')).toThrow('has nothing under "Unreleased"')
  })

  it('is of all the published packages', () => {
    expect(Object.values(FOLDERS)).toEqual(['.', 'packages/lab', 'packages/cli'].map(folder => join(ROOT, folder)))
  })
})
