/** Statements that begin a transaction if they succeed, and do nothing else. */
const plainBegin = /^\s*(begin|start\s+transaction)(\s+[\w\s,]*)?;?\s*$/i;
/** Statements that end one if they succeed, and do nothing else. */
const plainEnd =
  /^\s*(commit|end|abort|rollback)(\s+(work|transaction))?\s*;?\s*$/i;
/** Words without which none begins. */
const mayBegin = /\bbegin\b|\bstart\b[^]*\btransaction\b/i;
/** Words without which none ends. */
const mayEnd = /\b(commit|end|abort|rollback|prepare)\b/i;

/**
 * Asks the server, by the simple protocol: a transaction of the question's own
 * begins when the question does. Refused in one that has failed, which is open.
 */
export const IN_TRANSACTION = "SELECT now() <> statement_timestamp() AS open";

/**
 * Tells whether a transaction is open, for drivers that don't pass on what the
 * server says of it. What can't be told for certain from a statement's text,
 * the server is asked for: in `DO $$ BEGIN … END $$` the words mean something
 * else.
 */
export class TransactionWatch {
  readonly #ask: () => Promise<boolean>;
  #isOpen = false;

  /** @param ask Asks the server whether a transaction is open. */
  constructor(ask: () => Promise<boolean>) {
    this.#ask = ask;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Runs what was written as `text`: one statement or several. */
  async run<R>(text: string, start: () => Promise<R>): Promise<R> {
    try {
      const result = await start();
      if (plainBegin.test(text)) this.#isOpen = true;
      else if (plainEnd.test(text)) this.#isOpen = false;
      else await this.#look(text);
      return result;
    } catch (error) {
      await this.#look(text);
      throw error;
    }
  }

  /** Takes what can't be told for open: it is never lent to another caller. */
  async #look(text: string): Promise<void> {
    const mayHaveChanged = mayBegin.test(text) ||
      this.#isOpen && mayEnd.test(text);
    if (!mayHaveChanged) return;
    this.#isOpen = await this.#ask().catch(() => true);
  }
}
