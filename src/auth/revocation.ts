import type { AuthInfo } from "../protocol/types.ts";

/** The end of a credential before its time, and who must know of it. */
export class Revocation {
  readonly #listeners: Set<() => void> = new Set();
  #isOver = false;

  /** Calls back once it is revoked, never in this turn; returns what calls that off. */
  whenRevoked(listener: () => void): () => void {
    if (this.#isOver) queueMicrotask(listener);
    else this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells all who wait. */
  revoke(): void {
    this.#isOver = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}

const revocations = new WeakMap<AuthInfo, Revocation>();

/** Ties a caller to the revocation of its credential. */
export function tieRevocation(
  authInfo: AuthInfo,
  revocation: Revocation,
): void {
  revocations.set(authInfo, revocation);
}

/** The revocation that a caller is tied to, if its credential can be revoked here. */
export function revocationOf(authInfo: AuthInfo): Revocation | undefined {
  return revocations.get(authInfo);
}
