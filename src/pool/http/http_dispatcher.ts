import { TimeoutError } from "../../base/errors.ts";
import { Semaphore } from "../../limit/semaphore.ts";
import { instruments } from "../../observe/instruments.ts";
import type { HttpCall } from "./http_call.ts";
import { createHttpClient, type HttpClient } from "./http_client.ts";
import { denoConnect } from "./connect_watch.ts";
import { HttpTimeoutError } from "./http_errors.ts";
import { HttpExchange } from "./http_exchange.ts";
import type { HttpPoolSettings } from "./http_pool_options.ts";
import { HttpOrigin } from "./http_origin.ts";
import type { HttpOriginStats } from "./http_stats.ts";
import type { HttpRequest } from "./http_request.ts";

/** How many origins are remembered; beyond that, idle ones are forgotten. */
const maxOrigins = 1_000;

/** What an {@linkcode HttpDispatcher} has under way. */
export interface HttpDispatcherStats {
  active: number;
  waiting: number;
  requests: number;
  origins: Record<string, HttpOriginStats>;
}

/** Sends requests, each when it is its turn. */
export class HttpDispatcher {
  readonly #settings: HttpPoolSettings;
  readonly #client: HttpClient;
  readonly #origins: HttpOrigins;
  readonly #semaphore: Semaphore;
  #requests = 0;

  constructor(settings: HttpPoolSettings) {
    const { name, maxConcurrency, clock } = settings;
    this.#settings = settings;
    this.#client = createHttpClient(settings);
    this.#origins = new HttpOrigins(settings);
    this.#semaphore = instruments.part(() =>
      new Semaphore(maxConcurrency, { name, clock })
    );
  }

  /** Sends one request when it is its turn; its place is free after the last byte. */
  async exchange(request: HttpRequest, call: HttpCall): Promise<Response> {
    const origin = this.#origins.get(request.url.origin);
    const slot = await this.#acquireSlot(request.url.href, origin, call);
    call.hold();
    const end = () => {
      slot.dispose();
      call.release();
    };
    let sent = false;
    try {
      return await origin.send(request.url.href, () => {
        sent = true;
        this.#requests++;
        return this.#newExchange(request, call, origin, end).send();
      });
    } catch (error) {
      if (!sent) end();
      throw error;
    }
  }

  /** First the origin's, then the pool's: a slow origin's queue takes up no room in the pool. */
  async #acquireSlot(
    url: string,
    origin: HttpOrigin,
    { signal }: HttpCall,
  ): Promise<DisposableStack> {
    const { queueTimeoutMs, clock } = this.#settings;
    const untilMs = clock.now() + queueTimeoutMs;
    using slot = new DisposableStack();
    try {
      slot.use(await origin.acquire(signal));
      const timeoutMs = Math.max(0, untilMs - clock.now());
      slot.use(await this.#semaphore.acquire({ signal, timeoutMs }));
      return slot.move();
    } catch (error) {
      if (!(error instanceof TimeoutError) || signal.aborted) throw error;
      throw new HttpTimeoutError(url, "queue", queueTimeoutMs);
    }
  }

  #newExchange(
    request: HttpRequest,
    call: HttpCall,
    origin: HttpOrigin,
    onEnd: () => void,
  ): HttpExchange {
    const { connectTimeoutMs, proxy, clock } = this.#settings;
    return new HttpExchange({
      request,
      resends: call.resends,
      signal: call.signal,
      fetch: this.#client.fetch,
      readTimeoutMs: call.readTimeoutMs,
      connectTimeoutMs,
      connect: origin.isWarm || proxy !== undefined ? undefined : denoConnect,
      clock,
      onEnd,
    });
  }

  close(): void {
    this.#client.close();
    this.#origins.close();
  }

  get stats(): HttpDispatcherStats {
    const { active, waiting } = this.#semaphore.stats;
    const origins = this.#origins.stats;
    return {
      active,
      waiting: Object.values(origins)
        .reduce((sum, origin) => sum + origin.waiting, waiting),
      requests: this.#requests,
      origins,
    };
  }
}

/** All origins that a pool talks to. */
class HttpOrigins {
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
