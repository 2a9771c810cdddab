import type { FileHandle } from '../../../src/vfs/file-system.js'
import { ForwardingFileSystem } from '../../../src/vfs/forwarding-file-system.js'

export interface FileOperation {
  readonly kind:
    'openRead' | 'openWrite' | 'create' | 'rename' | 'link' | 'remove' | 'syncDirectory' | 'read' | 'write' | 'truncate' | 'sync'
  /** For a rename or a link, the new name. */
  readonly path: string
}

/** Operations that change what a crash would leave. */
const CHANGES: readonly FileOperation['kind'][] = ['create', 'rename', 'link', 'remove', 'syncDirectory', 'write', 'truncate', 'sync']

export function isChange({ kind }: FileOperation): boolean {
  return CHANGES.includes(kind)
}

/** Calls a hook before every operation; what the hook throws is the operation's failure. */
export class HookedFileSystem extends ForwardingFileSystem {
  before: (operation: FileOperation) => void = () => {}
  /** Handles that are open now. */
  readonly open = new Set<FileHandle>()

  override openRead(path: string): FileHandle {
    this.before({ kind: 'openRead', path })
    return new HookedHandle(super.openRead(path), this)
  }

  override openWrite(path: string): FileHandle {
    this.before({ kind: 'openWrite', path })
    return new HookedHandle(super.openWrite(path), this)
  }

  override create(path: string): FileHandle {
    this.before({ kind: 'create', path })
    return new HookedHandle(super.create(path), this)
  }

  override rename(from: string, to: string): void {
    this.before({ kind: 'rename', path: to })
    super.rename(from, to)
  }

  override link(from: string, to: string): void {
    this.before({ kind: 'link', path: to })
    super.link(from, to)
  }

  override remove(path: string): void {
    this.before({ kind: 'remove', path })
    super.remove(path)
  }

  override async removeLater(path: string): Promise<void> {
    this.before({ kind: 'remove', path })
    await super.removeLater(path)
  }

  override async syncDirectory(directory: string): Promise<void> {
    this.before({ kind: 'syncDirectory', path: directory })
    await super.syncDirectory(directory)
  }
}

class HookedHandle implements FileHandle {
  readonly path: string
  readonly #inner: FileHandle
  readonly #owner: HookedFileSystem

  constructor(inner: FileHandle, owner: HookedFileSystem) {
    this.path = inner.path
    this.#inner = inner
    this.#owner = owner
    owner.open.add(this)
  }

  size(): number {
    return this.#inner.size()
  }

  read(target: Uint8Array, position: number, start?: number, end?: number): number {
    this.#owner.before({ kind: 'read', path: this.path })
    return this.#inner.read(target, position, start, end)
  }

  write(source: Uint8Array, position: number, start?: number, end?: number): void {
    this.#owner.before({ kind: 'write', path: this.path })
    this.#inner.write(source, position, start, end)
  }

  truncate(size: number): void {
    this.#owner.before({ kind: 'truncate', path: this.path })
    this.#inner.truncate(size)
  }

  async sync(): Promise<void> {
    this.#owner.before({ kind: 'sync', path: this.path })
    await this.#inner.sync()
  }

  close(): void {
    this.#owner.open.delete(this)
    this.#inner.close()
  }
}
