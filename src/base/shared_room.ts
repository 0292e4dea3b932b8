/**
 * Room for what many accounts keep. Each may have as much of it as it leaves over, so
 * that one alone has half, two have a third each, and there is always some for the
 * next (Choudhury and Hahne, "Dynamic queue length thresholds", 1998).
 */
export class SharedRoom {
  readonly #max: number;
  readonly #held: Map<string, number> = new Map();
  #used = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** All that is taken. */
  get used(): number {
    return this.#used;
  }

  /** Takes some of the room; false if that is more than the account may have. */
  take(account: string, amount: number): boolean {
    const held = this.heldBy(account) + amount;
    if (held > this.#max - this.#used - amount) return false;
    this.add(account, amount);
    return true;
  }

  /** Takes some of the room, whether there is so much or not. */
  add(account: string, amount: number): void {
    this.#held.set(account, this.heldBy(account) + amount);
    this.#used += amount;
  }

  /** Gives back what was taken. */
  give(account: string, amount: number): void {
    const left = this.heldBy(account) - amount;
    this.#used -= amount;
    if (left > 0) this.#held.set(account, left);
    else this.#held.delete(account);
  }

  /** Room that an account has taken. */
  heldBy(account: string): number {
    return this.#held.get(account) ?? 0;
  }

  /** Tells if an account has at least as much as they have on the average. */
  isLarge(account: string): boolean {
    return this.heldBy(account) * this.#held.size >= this.#used;
  }
}
