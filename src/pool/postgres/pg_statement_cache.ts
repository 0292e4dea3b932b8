import { PgPrepared } from "./pg_statement.ts";

/** The statements that one connection has prepared: the most recent ones. */
export class PgStatementCache {
  readonly #maxSize: number;
  readonly #statements = new Map<string, PgPrepared>();
  #made = 0;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get(text: string): PgPrepared {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = new PgPrepared(`sluice_${++this.#made}`, text);
    } else {
      this.#statements.delete(text);
    }
    this.#statements.set(text, statement);
    return statement;
  }

  /** Takes out the statement that was used least recently, if there are too many. */
  overflow(): PgPrepared | undefined {
    if (this.#statements.size <= this.#maxSize) return undefined;
    const [oldest] = this.#statements.values();
    this.#statements.delete(oldest.text);
    return oldest;
  }
}
