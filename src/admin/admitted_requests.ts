import type { Clock } from "../base/clock.ts";

/** The most requests that are remembered. */
const MAX_REQUESTS = 100;

/** The time for which they are, in milliseconds. */
const REMEMBERED_MS = 300_000;

/**
 * Remembers which requests were let in: those that repeat one in every header
 * and in the URL, credentials included, and come from the same address, are its
 * sender's.
 */
export class AdmittedRequests {
  readonly #clock: Clock;
  readonly #admittedAt: Map<string, number> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of how a request has been judged. */
  note(
    request: Request,
    address: string | undefined,
    admitted: boolean,
  ): void {
    const key = keyOf(request, address);
    this.#admittedAt.delete(key);
    if (!admitted) return;
    this.#admittedAt.set(key, this.#clock.now());
    if (this.#admittedAt.size <= MAX_REQUESTS) return;
    const [oldest] = this.#admittedAt.keys();
    this.#admittedAt.delete(oldest);
  }

  /** Tells if the very same request has been let in lately. */
  has(request: Request, address: string | undefined): boolean {
    const at = this.#admittedAt.get(keyOf(request, address)) ?? -Infinity;
    return this.#clock.now() - at < REMEMBERED_MS;
  }
}

function keyOf(
  { method, url, headers }: Request,
  address: string | undefined,
): string {
  return JSON.stringify([address ?? null, method, url, ...headers]);
}
