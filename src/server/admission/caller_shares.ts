import type { Call } from "../calls/call.ts";
import { accountOf } from "../identity/account.ts";

/**
 * Counts the requests in progress of each caller, but only while there are so many
 * in all that one caller can have too many.
 */
export class CallerShares {
  readonly #max: number;
  #counts: Map<string, number> | undefined;
  #total = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Tells if a caller has as many in progress as it may. */
  isFull(call: Call, inProgress: ReadonlySet<Call>): boolean {
    if (inProgress.size < this.#max) return false;
    if (this.#counts === undefined) {
      this.#counts = new Map();
      this.#total = 0;
      for (const each of inProgress) this.begin(each);
    }
    return this.#counts.get(keyOf(call))! >= this.#max;
  }

  begin(call: Call): void {
    if (this.#counts !== undefined) this.#add(this.#counts, call, 1);
  }

  end(call: Call): void {
    if (this.#counts === undefined) return;
    this.#add(this.#counts, call, -1);
    if (this.#total < this.#max / 2) this.#counts = undefined;
  }

  #add(counts: Map<string, number>, call: Call, by: 1 | -1): void {
    this.#total += by;
    const key = keyOf(call);
    // Of callers that nobody can tell apart, each may be another.
    if (key === "") return;
    const count = (counts.get(key) ?? 0) + by;
    if (count === 0) counts.delete(key);
    else counts.set(key, count);
  }
}

function keyOf({ caller, reply }: Call): string {
  return accountOf(caller, reply.peer);
}
