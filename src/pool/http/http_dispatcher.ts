import { type Permit, Semaphore } from "../../limit/semaphore.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import type { HttpCall } from "./http_call.ts";
import { HttpCircuitOpenError } from "./http_errors.ts";
import { HttpExchange } from "./http_exchange.ts";
import { HttpOrigin, type Place } from "./http_origin.ts";
import type { HttpPoolSettings } from "./http_pool_options.ts";
import type { HttpRequest } from "./http_request.ts";
import { Transports } from "./transports.ts";
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
  readonly #transports: Transports;
  readonly #origins = new Map<string, HttpOrigin>();
  readonly #semaphore: Semaphore;
  #requests = 0;

  constructor(settings: HttpPoolSettings) {
    const { name, maxConcurrency, clock } = settings;
    this.#settings = settings;
    this.#transports = new Transports(settings);
    this.#semaphore = instruments.withdraw(
      new Semaphore(maxConcurrency, { name, clock }),
    );
  }

  /** True if an origin goes by this name, and is remembered. */
  readonly isOrigin = (text: string): boolean => this.#origins.has(text);

  /**
   * Begins an exchange when it is its turn, at once if it can; its place is free
   * after the last byte.
   */
  begin(
    request: HttpRequest,
    call: HttpCall,
  ): HttpExchange | Promise<HttpExchange> {
    const origin = this.#origins.get(request.origin) ??
      this.#addOrigin(request.origin);
    const atOrigin = origin.tryAcquire();
    const inPool = atOrigin && this.#semaphore.tryAcquire();
    if (atOrigin !== undefined && inPool !== undefined) {
      return this.#begin(request, call, origin, [atOrigin, inPool]);
    }
    return this.#waitForPlace(atOrigin, origin, call)
      .then((place) => this.#begin(request, call, origin, place));
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
      clock: this.#settings.clock,
      call,
      visit,
    });
    call.begin(exchange);
    return exchange;
  }

  /** The origins that are left alone for failing. */
  get leftAlone(): string[] {
    return Array.from(this.#origins)
      .filter(([_, { isLeftAlone }]) => isLeftAlone)
      .map(([name]) => name);
  }

  close(): Promise<void> {
    for (const origin of this.#origins.values()) origin.close();
    return this.#transports.close();
  }

  get stats(): HttpDispatcherStats {
    const { active, waiting: atPool } = this.#semaphore.stats;
    let waiting = atPool;
    const origins: Record<string, HttpOriginStats> = {};
    for (const [name, { stats }] of this.#origins) {
      origins[name] = stats;
      waiting += stats.waiting;
    }
    return { active, waiting, requests: this.#requests, origins };
  }

  #addOrigin(name: string): HttpOrigin {
    if (this.#origins.size >= maxOrigins) this.#forgetIdle();
    const transport = this.#transports.to(name);
    const origin = new HttpOrigin(name, this.#settings, transport);
    this.#origins.set(name, origin);
    return origin;
  }

  /** Those that are left alone only if there is no other. */
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
