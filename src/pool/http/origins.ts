import type { HttpPoolSettings } from "./http_pool_options.ts";
import { HttpOrigin, type HttpOriginStats } from "./origin.ts";

/** How many origins are remembered; beyond that, idle ones are forgotten. */
const maxOrigins = 1_000;

/** All origins that a pool talks to. */
export class HttpOrigins {
  readonly #settings: HttpPoolSettings;
  readonly #origins = new Map<string, HttpOrigin>();

  constructor(settings: HttpPoolSettings) {
    this.#settings = settings;
  }

  get(name: string): HttpOrigin {
    let origin = this.#origins.get(name);
    if (origin === undefined) {
      if (this.#origins.size >= maxOrigins) this.#forgetIdle();
      origin = new HttpOrigin(name, this.#settings);
      this.#origins.set(name, origin);
    }
    return origin;
  }

  get stats(): Record<string, HttpOriginStats> {
    return Object.fromEntries(
      Array.from(this.#origins, ([name, { stats }]) => [name, stats]),
    );
  }

  /** Their figures are no longer shown. */
  close(): void {
    for (const origin of this.#origins.values()) origin.close();
  }

  #forgetIdle(): void {
    for (const [name, origin] of this.#origins) {
      if (!origin.isIdle) continue;
      this.#origins.delete(name);
      origin.close();
    }
  }
}
