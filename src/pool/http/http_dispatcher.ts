import { type Permit, Semaphore } from "../../limit/semaphore.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import {
  ConnectWatch,
  denoConnect,
  hasProxyInEnv,
  type HttpConnect,
} from "./connect_watch.ts";
import type { HttpCall } from "./http_call.ts";
import { HttpClient } from "./http_client.ts";
import { HttpCircuitOpenError, HttpTimeoutError } from "./http_errors.ts";
import { HttpExchange } from "./http_exchange.ts";
import { HttpOrigin, type Place } from "./http_origin.ts";
import type { HttpPoolSettings } from "./http_pool_options.ts";
import type { HttpRequest } from "./http_request.ts";
import type { HttpOriginStats } from "./http_stats.ts";

/** The number of origins remembered; beyond that, idle ones are forgotten. */
const maxOrigins = 1_000;

/** The work that an {@linkcode HttpDispatcher} has under way. */
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
  readonly #connect: HttpConnect | undefined;
  readonly #origins: HttpOrigins;
  readonly #semaphore: Semaphore;
  #requests = 0;

  constructor(settings: HttpPoolSettings) {
    const { name, maxConcurrency, connectTimeoutMs, proxy, clock } = settings;
    this.#settings = settings;
    this.#client = new HttpClient(settings);
    const mayWatch = connectTimeoutMs !== Infinity && proxy === undefined;
    this.#connect = mayWatch ? denoConnect : undefined;
    this.#origins = new HttpOrigins(settings);
    this.#semaphore = instruments.withdraw(
      new Semaphore(maxConcurrency, { name, clock }),
    );
  }

  /** Whether an origin goes by this name, and is remembered. */
  readonly isOrigin = (text: string): boolean => this.#origins.has(text);

  /** Sends one request when it is its turn; its place is free after the last byte. */
  async send(request: HttpRequest, call: HttpCall): Promise<HttpExchange> {
    const origin = this.#origins.get(request.origin);
    const atOrigin = origin.tryAcquire();
    const inPool = atOrigin && this.#semaphore.tryAcquire();
    const place = atOrigin !== undefined && inPool !== undefined
      ? [atOrigin, inPool] as const
      : await this.#waitForPlace(atOrigin, origin, call);
    const exchange = this.#begin(request, call, origin, place);
    const nowMs = call.expectSign();
    using _watch = origin.isWarm(nowMs)
      ? undefined
      : this.#watchConnect(request, exchange);
    await exchange.send();
    origin.hear(call.expectSign());
    return exchange;
  }

  /** First the origin's, then the pool's: a slow origin's queue takes up no room in the pool. */
  #waitForPlace(
    free: Permit | undefined,
    origin: HttpOrigin,
    call: HttpCall,
  ): Promise<Place> {
    return call.wait(async (signal) => {
      const atOrigin = free ?? await origin.acquire(signal);
      try {
        return [atOrigin, await this.#semaphore.acquire({ signal })];
      } catch (error) {
        atOrigin.release();
        throw error;
      }
    });
  }

  #begin(
    request: HttpRequest,
    call: HttpCall,
    origin: HttpOrigin,
    place: Place,
  ): HttpExchange {
    const visit = origin.enter(place, call.isPatient);
    if (visit === undefined) {
      for (const permit of place) permit.release();
      throw new HttpCircuitOpenError(request.href, request.origin);
    }
    this.#requests++;
    const exchange = new HttpExchange({
      request,
      resends: call.resends,
      client: request.needsFreshConnection
        ? this.#client.single
        : this.#client.kept,
      clock: this.#settings.clock,
      call,
      visit,
    });
    call.begin(exchange);
    return exchange;
  }

  /**
   * Not for what may do harm when it is repeated: the watch can be wrong where
   * connections are refused while the request is at work.
   */
  #watchConnect(
    { idempotent, href }: HttpRequest,
    exchange: HttpExchange,
  ): ConnectWatch | undefined {
    if (this.#connect === undefined || !idempotent || hasProxyInEnv()) {
      return undefined;
    }
    const { connectTimeoutMs, clock } = this.#settings;
    return new ConnectWatch(this.#connect, new URL(href), {
      timeoutMs: connectTimeoutMs,
      clock,
      onTimeout: () =>
        exchange.abort(new HttpTimeoutError(href, "connect", connectTimeoutMs)),
    });
  }

  /** The origins that are left alone for failing. */
  get leftAlone(): string[] {
    return this.#origins.leftAlone;
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

  has(name: string): boolean {
    return this.#origins.has(name);
  }

  get(name: string): HttpOrigin {
    return this.#origins.get(name) ?? this.#add(name);
  }

  get stats(): Record<string, HttpOriginStats> {
    return Object.fromEntries(
      Array.from(this.#origins, ([name, { stats }]) => [name, stats]),
    );
  }

  get leftAlone(): string[] {
    return Array.from(this.#origins)
      .filter(([_, { isLeftAlone }]) => isLeftAlone)
      .map(([name]) => name);
  }

  /** Their figures are no longer shown. */
  close(): void {
    for (const origin of this.#origins.values()) origin.close();
  }

  #add(name: string): HttpOrigin {
    if (this.#origins.size >= maxOrigins) this.#forgetIdle();
    const origin = new HttpOrigin(name, this.#settings);
    this.#origins.set(name, origin);
    return origin;
  }

  /** Those whose circuit is open only if there is no other. */
  #forgetIdle(): void {
    const idle = Array.from(this.#origins)
      .filter(([_, { isIdle }]) => isIdle);
    const well = idle.filter(([_, { isLeftAlone }]) => !isLeftAlone);
    for (const [name, origin] of well.length > 0 ? well : idle) {
      this.#origins.delete(name);
      origin.close();
    }
  }
}
