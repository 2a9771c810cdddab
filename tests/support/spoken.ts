/** What a screen reader gets of a page: Chromium's accessibility tree, as lines. */
import type { CDPSession, Page } from 'playwright-core'

/** One node of the tree that is not ignored. */
export interface Spoken {
  readonly role: string
  readonly name: string
  readonly value: string
  /** States that are set, such as `pressed`. */
  readonly states: readonly string[]
  readonly children: readonly Spoken[]
}

interface AxValue {
  readonly value?: string | number | boolean
}

interface AxNode {
  readonly nodeId: string
  readonly ignored: boolean
  readonly role?: AxValue
  readonly name?: AxValue
  readonly value?: AxValue
  readonly properties?: readonly { readonly name: string; readonly value: AxValue }[]
  readonly childIds?: readonly string[]
  readonly backendDOMNodeId?: number
}

/** Properties that are said. */
const STATES = new Set(['pressed', 'expanded', 'disabled', 'checked', 'selected', 'live', 'invalid'])

/** The accessibility tree of a page. */
export class SpokenPage {
  readonly #session: CDPSession

  private constructor(session: CDPSession) {
    this.#session = session
  }

  static async of(page: Page): Promise<SpokenPage> {
    const session = await page.context().newCDPSession(page)
    await session.send('Accessibility.enable')
    return new SpokenPage(session)
  }

  /** The first element of each selector, in one look at the tree; absent ones are left out. */
  async parts(selectors: readonly string[]): Promise<ReadonlyMap<string, Spoken>> {
    const { nodes } = (await this.#session.send('Accessibility.getFullAXTree')) as unknown as { readonly nodes: readonly AxNode[] }
    const byId = new Map(nodes.map(node => [node.nodeId, node]))
    const byElement = new Map(nodes.map(node => [node.backendDOMNodeId, node]))
    const { root } = await this.#session.send('DOM.getDocument', { depth: 0 })
    const parts = new Map<string, Spoken>()
    for (const selector of selectors) {
      const { nodeId } = await this.#session.send('DOM.querySelector', { nodeId: root.nodeId, selector })
      if (nodeId === 0) continue
      const { node } = await this.#session.send('DOM.describeNode', { nodeId })
      const found = byElement.get(node.backendNodeId)
      if (found !== undefined) parts.set(selector, spokenOf(found, byId)[0])
    }
    return parts
  }
}

/** A node; for one that is ignored, its children. */
function spokenOf(node: AxNode, byId: ReadonlyMap<string, AxNode>): Spoken[] {
  const children = (node.childIds ?? []).flatMap(id => {
    const child = byId.get(id)
    return child === undefined ? [] : spokenOf(child, byId)
  })
  const role = textOf(node.role)
  if (role === 'InlineTextBox') return []
  if (node.ignored || role === 'none' || role === 'generic') return children
  const states = (node.properties ?? []).flatMap(({ name, value: { value } }) =>
    STATES.has(name) && value !== false && value !== 'false' && value !== 'off'
      ? [value === true || value === 'true' ? name : `${name} ${String(value)}`]
      : [],
  )
  return [{ role, name: textOf(node.name), value: textOf(node.value), states, children }]
}

function textOf(value: AxValue | undefined): string {
  return value?.value === undefined ? '' : String(value.value)
}

/** Every node from this one down. */
export function* nodesOf(spoken: Spoken): Generator<Spoken> {
  yield spoken
  for (const child of spoken.children) yield* nodesOf(child)
}

/** All texts and names of things without texts from this node down, as one text. */
export function spokenText(spoken: Spoken): string {
  const own = spoken.role === 'StaticText' || spoken.children.length === 0 || spoken.role === 'button' || spoken.role === 'image'
  return own ? spoken.name : spoken.children.map(spokenText).join('')
}

/** One line for each node, set in by depth. */
export function linesOfSpoken({ role, name, value, states, children }: Spoken, depth = 0): readonly string[] {
  const said = [role, name === '' ? '' : `"${name}"`, value === '' || value === name ? '' : `= ${value}`, ...states].filter(
    text => text !== '',
  )
  // Texts that only say their parent's name again.
  const others = children.filter(child => child.role !== 'StaticText' || child.name !== name)
  return ['  '.repeat(depth) + said.join(' '), ...others.flatMap(child => linesOfSpoken(child, depth + 1))]
}
