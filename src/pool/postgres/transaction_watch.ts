/**
 * Whether a transaction is open, by the statements that went through; for
 * drivers that don't pass on what the server says of it.
 */
export class TransactionWatch {
  #isOpen = false;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** To be told of every statement that succeeded. */
  note(text: string): void {
    if (/^\s*(begin|start\s+transaction)\b/i.test(text)) this.#isOpen = true;
    else if (/^\s*(commit|end|abort)\b/i.test(text)) this.#isOpen = false;
    else if (/^\s*rollback\b(?!.*\bto\b)/i.test(text)) this.#isOpen = false;
  }
}
