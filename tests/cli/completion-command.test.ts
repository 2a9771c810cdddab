import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { kvarium } from './support/command-line.js'

const MAIN = join(import.meta.dirname, '../../packages/cli/dist/main.js')

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvarium-completion-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** What the command offers in place of the last word. */
async function offered(shell: string, ...words: readonly string[]): Promise<readonly string[]> {
  vi.stubEnv('SHELL', shell)
  vi.stubEnv('COMP_CWORD', String(words.length))
  const { status, stdout, stderr } = await kvarium(directory, ['completion-server', '--', 'kvarium', ...words])
  vi.unstubAllEnvs()
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.split('\n').slice(0, -1)
}

const FILES = ['__tabtab_complete_files__']

describe('completion in a shell', () => {
  it('offers every subcommand that the help lists, and no other', async () => {
    const { stdout } = await kvarium(directory, ['--help'])
    const listed = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name)
    expect(listed.length).toBeGreaterThan(10)
    expect(await offered('bash', '')).toEqual(listed)
    expect(await offered('/bin/bash', 'st')).toEqual(['stats'])
  })

  it('offers options where a word begins with a dash, and names of files where there is no list of choices', async () => {
    expect(await offered('bash', 'stats', '--')).toEqual(['--json', '--prometheus', '--help'])
    expect(await offered('bash', 'stats', './')).toEqual(FILES)
    expect(await offered('bash', 'compare', '--limit', '')).toEqual(FILES)
    expect(await offered('bash', 'no-such-command', '')).toEqual([])
  })

  it('offers the choices of an option and of an argument, also behind other options', async () => {
    expect(await offered('bash', 'load', '--format', '')).toEqual(['ndjson', 'csv', 'tsv'])
    expect(await offered('bash', 'load', '--memory', '64', '--format', 'c')).toEqual(['csv'])
    expect(await offered('bash', 'completion', 'z')).toEqual(['zsh'])
  })

  it('describes what it offers where the shell shows that', async () => {
    expect(await offered('zsh', 'scan')).toEqual(['scan:Print the entries of a range of keys, in order'])
    expect(await offered('/usr/bin/fish', 'scan')).toEqual(['scan\tPrint the entries of a range of keys, in order'])
  })

  it('refuses a shell that it does not know', async () => {
    const { status, stderr } = await kvarium(directory, ['completion', 'tcsh'])
    expect(status).toBe(2)
    expect(stderr).toContain('Allowed choices are bash, zsh, fish')
  })

  it('works in bash: the script that is printed, a key pressed behind a word, and words that would be commands', () => {
    const bin = join(directory, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'kvarium'), `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(MAIN)} "$@"\n`)
    chmodSync(join(bin, 'kvarium'), 0o755)
    const press = `
      source <(kvarium completion bash)
      press() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}; _kvarium_completion; echo "\${COMPREPLY[*]}"; }
      press kvarium sta
      press kvarium stats --pro
      press kvarium get '$(touch made)' --`
    const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', press], {
      cwd: directory,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const [subcommand, option, options] = stdout.split('\n')
    expect([subcommand, option]).toEqual(['stats', '--prometheus'])
    expect(options).toContain('--help')
    expect(spawnSync('ls', [directory], { encoding: 'utf8' }).stdout).toBe('bin\n')
  })
})
