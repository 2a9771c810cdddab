/** Node's own SQLite (from 22.5 on) with the calls of better-sqlite3 that the harness makes. */
import type { Data } from './data.js'
import type { SqliteConstructor } from './sqlite-store.js'

interface NodeStatement {
  run(...values: readonly Data[]): unknown
  get(...values: readonly Data[]): Readonly<Record<string, Data>> | undefined
  iterate(...values: readonly (Data | number)[]): IterableIterator<Readonly<Record<string, Data>>>
}

interface NodeDatabase {
  prepare(sql: string): NodeStatement
  exec(sql: string): unknown
  close(): unknown
}

export interface NodeSqlite {
  readonly DatabaseSync: new (file: string) => NodeDatabase
}

export function nodeSqlite({ DatabaseSync }: NodeSqlite): SqliteConstructor {
  return class {
    readonly #db: NodeDatabase

    constructor(file: string) {
      this.#db = new DatabaseSync(file)
    }

    prepare(sql: string): Statement {
      return new Statement(this.#db.prepare(sql))
    }

    exec(sql: string): unknown {
      return this.#db.exec(sql)
    }

    pragma(text: string): unknown {
      return this.#db.exec(`PRAGMA ${text}`)
    }

    close(): unknown {
      return this.#db.close()
    }
  }
}

/** Gets return the first column, and iterations arrays. */
class Statement {
  readonly #inner: NodeStatement

  constructor(inner: NodeStatement) {
    this.#inner = inner
  }

  run(...values: readonly Data[]): unknown {
    return this.#inner.run(...values)
  }

  get(...values: readonly Data[]): Data | undefined {
    const row = this.#inner.get(...values)
    return row === undefined ? undefined : Object.values(row)[0]
  }

  *iterate(...values: readonly (Data | number)[]): IterableIterator<[Data, Data]> {
    for (const row of this.#inner.iterate(...values)) yield Object.values(row) as [Data, Data]
  }

  raw(): this {
    return this
  }

  pluck(): this {
    return this
  }
}
