/**
 * Every program in the README and the docs: it compiles as TypeScript under strict options, for Node and for bundlers, without the DOM, and it
 * runs. A comment before a block, which a reader of the page does not see, completes it:
 *
 *     <!-- setup                        <!-- typed <string, Planet> -->       <!-- no program: why -->
 *     const db = new Kvarium('db')      types of `new Kvarium(` in a          neither compiled nor run
 *     -->                               block of JavaScript
 *
 * and `<!-- then … -->` after it ends it. A block that begins with `// worker.js` is that file for the other blocks of its page.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from './support/installed-package.js'

interface Block {
  /** File and line of the page. */
  readonly place: string
  readonly page: string
  readonly name: string
  readonly language: 'js' | 'ts'
  readonly setup: string
  readonly types: string
  readonly code: string
  readonly then: string
  /** The name of the file that it is, where it is not a program. */
  readonly file: string | undefined
}

const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.md') && !file.startsWith('reports'))
    .map(file => join('docs', file)),
  ...readdirSync(join(ROOT, 'packages')).map(name => join('packages', name, 'README.md')),
]

const BLOCK =
  /(?:<!-- (?<directive>setup|typed|no program:)(?<detail>[^]*?)-->\n+)?^```(?<language>js|ts)\n(?<code>[^]*?)^```$(?:\n+<!-- then(?<then>[^]*?)-->)?/gm

const blocks = PAGES.flatMap(page => {
  const text = readFileSync(join(ROOT, page), 'utf8')
  return [...text.matchAll(BLOCK)].flatMap(({ index, groups }): Block[] => {
    const { directive, detail = '', language, code, then = '' } = groups!
    if (directive === 'no program:') return []
    const line = text.slice(0, text.indexOf('```', index)).split('\n').length
    return [
      {
        place: `${page}:${line}`,
        page,
        name: `${page.replaceAll(/\W/g, '-')}-${line}`,
        language: language as 'js' | 'ts',
        setup: directive === 'setup' ? detail.trim() : '',
        types: directive === 'typed' ? detail.trim() : '',
        code,
        then,
        file: /^\/\/ ([\w.-]+\.js)\n/.exec(code)?.[1],
      },
    ]
  })
})

/** Inside the checkout: the names of the packages lead to what `npm run build` made. */
let project = ''
beforeAll(() => {
  mkdirSync(join(ROOT, '.tmp'), { recursive: true })
  project = mkdtempSync(join(ROOT, '.tmp/code-blocks-'))
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

describe('the programs in the README and the docs', () => {
  it('are found', () => {
    expect(blocks.length).toBeGreaterThan(20)
    expect(blocks.filter(({ place }) => place.startsWith('README.md')).length).toBeGreaterThan(3)
  })

  it.each([
    ['NodeNext', 'mts', ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext],
    ['a bundler', 'ts', ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler],
  ])('compile under %s with strict options and without the DOM', (_name, extension, module, moduleResolution) => {
    const files = blocks.map(({ name, setup, types, code, then }) => {
      const file = join(project, `${name}.${extension}`)
      writeFileSync(file, `${setup}\n${code.replaceAll('new Kvarium(', `new Kvarium${types}(`)}\n${then}\nexport {}\n`)
      return file
    })
    const program = ts.createProgram(files, {
      module,
      moduleResolution,
      target: ts.ScriptTarget.ES2023,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
      noEmit: true,
    })
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const line = file === undefined ? '' : file.text.slice(0, start).split('\n').at(-1)! + file.text.slice(start).split('\n')[0]
      return `${relative(project, file?.fileName ?? '')}: ${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
    expect(problems).toEqual([])
  })

  it('run', () => {
    const programs = blocks.flatMap(({ place, page, name, setup, code, then, file: isFile }) => {
      if (isFile !== undefined) return []
      const file = join(project, `${name}.mjs`)
      const { outputText } = ts.transpileModule(`${setup}\n${code}\n${then}`, {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: false },
      })
      writeFileSync(file, outputText)
      const directory = join(project, name)
      mkdirSync(directory)
      for (const other of blocks)
        if (other.file !== undefined && other.page === page) writeFileSync(join(directory, other.file), other.code)
      return [{ place, file, directory }]
    })
    // Each runs in a directory of its own, all in one process: to start one takes longer than most of the programs.
    writeFileSync(
      join(project, 'run.mjs'),
      `const problems = []
      let place = ''
      process.on('unhandledRejection', error => problems.push(place + ': ' + error.stack))
      process.on('exit', () => { if (place !== '') process.stderr.write(place + ': the process ended while the program waited') })
      console.log = () => {}
      for (const program of ${JSON.stringify(programs)}) {
        place = program.place
        process.chdir(program.directory)
        try {
          await import(program.file)
        } catch (error) {
          problems.push(place + ': ' + error.stack)
        }
      }
      place = ''
      process.stdout.write(JSON.stringify(problems), () => process.exit())`,
    )
    const output = execFileSync(process.execPath, [join(project, 'run.mjs')], { encoding: 'utf8', timeout: 60_000 })
    expect(JSON.parse(output)).toEqual([])
  })
})
