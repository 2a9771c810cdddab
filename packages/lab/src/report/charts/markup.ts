/** Elements of SVG and HTML as text. All text and every attribute is escaped here, so that a name of an engine or a phase never becomes markup. */

/** Text that is markup already. */
export interface Markup {
  readonly markup: string
}

export type Content = Markup | string | number | undefined | readonly Content[]
export type Attributes = Readonly<Record<string, string | number | undefined>>

const VOID = new Set(['meta', 'br', 'hr', 'col', 'input'])
/** SVG elements without content, of which there are thousands. */
const SHAPES = new Set(['rect', 'line', 'path'])

export function element(name: string, attributes: Attributes, ...content: readonly Content[]): Markup {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([attribute, value]) => ` ${attribute}="${escapeText(String(value))}"`)
    .join('')
  if (VOID.has(name)) return { markup: `<${name}${written}>` }
  const inner = render(content)
  return { markup: inner === '' && SHAPES.has(name) ? `<${name}${written}/>` : `<${name}${written}>${inner}</${name}>` }
}

export function render(content: Content): string {
  if (content === undefined) return ''
  if (typeof content === 'string') return escapeText(content)
  if (typeof content === 'number') return String(content)
  return 'markup' in content ? content.markup : content.map(render).join('')
}

/** For text and for attributes in double quotes. Control characters that XML does not allow are shown as such. */
export function escapeText(text: string): string {
  return text
    .replace(/[&<>"']/g, character => ENTITIES[character])
    .replace(/(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/gu, '\ufffd')
    .replace(/\p{Cs}/gu, '\ufffd')
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
