/**
 * Makes a release of the packages, which have one version: `tsx scripts/release.ts 0.2.0`. Sets the version in every manifest and the range by which
 * they depend on each other, and moves what the changelog has under "Unreleased" under the version. Commits and publishes nothing; a tag makes
 * `.github/workflows/release.yml` publish.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compare, valid } from 'semver'

const FOLDERS = ['.', 'packages/lab', 'packages/cli']
const UNRELEASED = '## [Unreleased]\n'

interface Manifest {
  readonly name: string
  version: string
  readonly dependencies?: Record<string, string>
}

/**
 * Changes the manifests and the changelog below `root`.
 * @param date - Of the release, `2026-06-30`.
 * @throws TypeError when the version is none, or is not above the present one, or when the changelog has nothing to release; nothing is changed then.
 */
export function release(root: string, version: string, date: string): void {
  if (valid(version) !== version) throw new TypeError(`"${version}" is no version; give one such as 0.2.0`)
  const manifests = FOLDERS.map(folder => {
    const file = join(root, folder, 'package.json')
    return { file, manifest: JSON.parse(readFileSync(file, 'utf8')) as Manifest }
  })
  const changelog = join(root, 'CHANGELOG.md')
  const text = readFileSync(changelog, 'utf8')
  const isReleased = text.includes(`## [${manifests[0].manifest.version}]`)
  for (const { manifest } of manifests) {
    const order = compare(version, manifest.version)
    // The first release has the version that is there already.
    if (order < 0 || (order === 0 && isReleased))
      throw new TypeError(`${manifest.name} is at ${manifest.version}; ${version} is not above it`)
  }
  const start = text.indexOf(UNRELEASED)
  if (start < 0) throw new TypeError(`${changelog} has no section "Unreleased"`)
  const behind = start + UNRELEASED.length
  const end = text.indexOf('\n## [', behind)
  const section = text.slice(behind, end < 0 ? undefined : end)
  if (!section.includes('\n- ')) throw new TypeError(`${changelog} has nothing under "Unreleased"`)

  for (const { file, manifest } of manifests) {
    manifest.version = version
    for (const { manifest: other } of manifests) {
      if (manifest.dependencies?.[other.name] !== undefined) manifest.dependencies[other.name] = `^${version}`
    }
    writeFileSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`)
  }
  writeFileSync(changelog, `${text.slice(0, behind)}\n## [${version}] - ${date}\n${text.slice(behind)}`)
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [version = ''] = process.argv.slice(2)
  release(join(import.meta.dirname, '..'), version, new Date().toISOString().slice(0, 10))
  console.log(
    `Now: npm install --package-lock-only, .ci/run, git commit -am "release: ${version}", git tag v${version}, git push --follow-tags`,
  )
}
