/**
 * The pages of the site, made of the documents of the project. A link to another document leads to its page; a link to any other file of the project
 * leads to a page that shows the file, so that the site needs no network.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { LESSONS } from '../packages/explorer/src/lessons/catalog.js'

/** Documents outside of `docs/`, and their pages. */
const NAMED: Readonly<Record<string, string>> = {
  'README.md': 'start.md',
  'ARCHITECTURE.md': 'architecture.md',
  'CONTRIBUTING.md': 'contributing.md',
  'CHANGELOG.md': 'changelog.md',
  'SECURITY.md': 'security.md',
  'bench/README.md': 'bench/index.md',
  'bench/history/README.md': 'bench/history.md',
  'packages/lab/README.md': 'packages/lab.md',
  'packages/cli/README.md': 'packages/cli.md',
}

export interface Chapter {
  readonly text: string
  readonly link: string
}

const LANGUAGES: Readonly<Record<string, string>> = { ts: 'ts', js: 'js', json: 'json', yml: 'yaml', css: 'css', sh: 'sh' }

export class Pages {
  readonly #root: string
  readonly #out: string
  /** From the path of a document to that of its page. */
  readonly #pageOf = new Map<string, string>()
  /** Files that are shown because a page leads to them. */
  readonly #shown = new Set<string>()
  readonly #broken: string[] = []

  constructor(root: string, out: string) {
    this.#root = root
    this.#out = out
    for (const [document, page] of Object.entries(NAMED)) this.#pageOf.set(document, page)
    for (const document of documentsBelow(root, 'docs'))
      this.#pageOf.set(document, document.replace(/^docs\//, '').replace(/README\.md$/, 'index.md'))
    // Those in a folder of their own, such as exercises/skiplist/README.md.
    for (const document of documentsBelow(root, 'exercises')) this.#pageOf.set(document, document.replace(/\/README\.md$/, '.md'))
  }

  get count(): number {
    return this.#pageOf.size + this.#shown.size
  }

  /** Writes every page. Throws at a link that leads nowhere. */
  write(): void {
    for (const [document, page] of this.#pageOf) {
      const text = readFileSync(join(this.#root, document), 'utf8')
      this.#save(page, this.#withReplay(page, this.#withLinks(document, page, text)))
    }
    if (this.#broken.length > 0) throw new Error(this.#broken.join('\n'))
    for (const file of this.#shown) this.#save(sourcePage(file), this.#sourceText(file))
  }

  /** The chapters of the guide: their titles and pages. */
  chapters(): readonly Chapter[] {
    return [...this.#pageOf]
      .filter(([, page]) => /^guide\/\d/.test(page))
      .map(([document, page]) => ({
        text: /^# (.*)$/m.exec(readFileSync(join(this.#root, document), 'utf8'))?.[1] ?? page,
        link: `/${page.replace(/\.md$/, '')}`,
      }))
      .sort((a, b) => (a.link < b.link ? -1 : 1))
  }

  #withLinks(document: string, page: string, text: string): string {
    // Outside of blocks of code.
    return text
      .split(/(^```[^]*?^```$)/m)
      .map((part, i) => (i % 2 === 1 ? part : this.#partWithLinks(document, page, part)))
      .join('')
  }

  #partWithLinks(document: string, page: string, text: string): string {
    const withPictures = text.replaceAll(/!\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, alternative: string, target: string) => {
      if (/^[a-z]+:/.test(target)) return whole
      const file = posix.join(posix.dirname(document), target)
      const copy = posix.join(posix.dirname(page), posix.basename(file))
      this.#copy(file, copy)
      return `![${alternative}](./${posix.basename(file)})`
    })
    return withPictures.replaceAll(/(?<!!)\]\((?!#|[a-z]+:)([^)#\s]+)(#[^)\s]*)?\)/g, (_whole, target: string, anchor = '') => {
      const file = posix.join(posix.dirname(document), target).replace(/\/$/, '')
      if (file.startsWith('docs/reports') && !file.endsWith('.md') && existsSync(join(this.#root, file, 'README.md'))) {
        return `](${relativeTo(page, this.#pageOf.get(posix.join(file, 'README.md'))!)})`
      }
      if (posix.dirname(page) !== '.' && existsSync(join(this.#out, posix.dirname(page), posix.basename(file))) && /\.svg$/.test(file)) {
        return `](./${posix.basename(file)})`
      }
      return `](${relativeTo(page, this.#target(document, file))}${anchor as string})`
    })
  }

  /** A chapter has its example as a page that goes through it step by step, and its lesson. */
  #withReplay(page: string, text: string): string {
    const number = Number(/^guide\/(\d+)/.exec(page)?.[1] ?? NaN)
    if (Number.isNaN(number)) return text
    const lesson = LESSONS.find(({ chapter }) => page === `guide/${chapter}`)
    const links = [
      `<a href="../examples/${number}.html" target="_self">Go through the example of this chapter, step by step</a>`,
      ...(lesson === undefined
        ? []
        : [`<a href="../explorer/index.html#lesson=${lesson.name}" target="_self">Take this chapter as a lesson in the explorer</a>`]),
    ]
    return text.replace(/^# .*$/m, title => `${title}\n\n${links.join(' · ')}`)
  }

  #target(document: string, file: string): string {
    const known = this.#pageOf.get(file) ?? this.#pageOf.get(posix.join(file, 'README.md'))
    if (known !== undefined) return known
    if (!existsSync(join(this.#root, file))) this.#broken.push(`${document} has a link to ${file}, which does not exist`)
    this.#shown.add(file)
    return sourcePage(file)
  }

  #sourceText(file: string): string {
    const path = join(this.#root, file)
    const head = `---\nsearch: false\neditLink: false\noutline: false\n---\n\n# ${file}\n\n`
    if (statSync(path).isDirectory()) {
      const names = readdirSync(path, { withFileTypes: true })
        .filter(entry => !['node_modules', 'dist', '.tmp'].includes(entry.name))
        .map(entry => {
          const inner = posix.join(file, entry.name)
          const target = this.#pageOf.get(inner) ?? (this.#shown.has(inner) ? sourcePage(inner) : undefined)
          const name = entry.name + (entry.isDirectory() ? '/' : '')
          return target === undefined ? `- \`${name}\`` : `- [\`${name}\`](${relativeTo(sourcePage(file), target)})`
        })
      return `${head}${names.join('\n')}\n`
    }
    const language = LANGUAGES[file.split('.').at(-1)!] ?? 'text'
    return `${head}\`\`\`\`${language}\n${readFileSync(path, 'utf8').trimEnd()}\n\`\`\`\`\n`
  }

  #save(page: string, text: string): void {
    const file = join(this.#out, page)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }

  #copy(file: string, page: string): void {
    mkdirSync(dirname(join(this.#out, page)), { recursive: true })
    writeFileSync(join(this.#out, page), readFileSync(join(this.#root, file)))
  }
}

function documentsBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.md'))
    .map(file => posix.join(folder, file))
}

const sourcePage = (file: string): string => `source/${file.replace(/^\./, 'dot-').replace(/\.md$/, '-md')}.md`

/** A link from one page to another. */
function relativeTo(page: string, target: string): string {
  const path = posix
    .relative(posix.dirname(page), target)
    .replace(/(^|\/)index\.md$/, '$1')
    .replace(/\.md$/, '')
  return path.startsWith('.') ? path : `./${path}`
}
