import { abortable } from "../../base/abort.ts";
import { ClosedError } from "../../base/errors.ts";
import { checkGiven, SIGNAL_OPTIONS } from "../../base/option_rules.ts";
import type { HealthCheckable } from "../../observe/health/health_checkable.ts";
import type { HealthResult } from "../../observe/health/health_check.ts";
import { instruments } from "../../observe/metrics/instruments.ts";
import { HttpCall } from "./http_call.ts";
import { HttpDispatcher } from "./http_dispatcher.ts";
import { Deadlines } from "./deadlines.ts";
import {
  fetchAll,
  type HttpFetchAllOptions,
  type HttpOutcome,
} from "./fetch_all.ts";
import { HttpError, shownUrl } from "./http_errors.ts";
import type { HttpExchange } from "./http_exchange.ts";
import {
  httpPoolKind,
  type HttpPoolStats,
  httpPoolValues,
} from "./http_stats.ts";
import {
  checkHttpPoolOptions,
  type HttpPoolOptions,
  type HttpPoolSettings,
  type HttpRequestOptions,
  REQUEST_OPTIONS,
} from "./http_pool_options.ts";
import { DefaultHeaders, HttpRequest } from "./http_request.ts";
import { asBytes, asText, type UseOfBody } from "./response_body.ts";

/**
 * One HTTP client for many origins, which bounds what a request may take: time
 * of each kind, concurrency per origin and in all, redirects, retries, bytes.
 *
 * Without TLS it speaks HTTP/1.1 on connections of its own, for less than the
 * runtime's `fetch` costs; by `fetch` it asks over TLS, by way of proxies
 * (`proxy`, `HTTP_PROXY` and its like), and where Deno traces `fetch` (`OTEL_DENO`).
 *
 * @example
 * ```ts
 * import { HttpPool } from "@sluice/mcp";
 *
 * await using http = new HttpPool({ maxPerOrigin: 8, readTimeoutMs: 5_000 });
 *
 * const loadUser = (id: number) =>
 *   http.getJson<{ name: string }>(`https://api.example.com/users/${id}`);
 * ```
 */
export class HttpPool implements AsyncDisposable, HealthCheckable {
  readonly #settings: HttpPoolSettings;
  readonly #dispatcher: HttpDispatcher;
  readonly #headers: DefaultHeaders;
  readonly #jsonHeaders: DefaultHeaders;
  readonly #calls: Deadlines<HttpCall>;
  readonly #untrack: () => void;
  #closing: Promise<void> | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #callCount = 0;
  #retries = 0;
  #redirects = 0;
  #failures = 0;

  /**
   * Connects to nothing before the first request.
   *
   * @throws {InvalidOptionError} when an option makes no sense.
   */
  constructor(options: HttpPoolOptions = {}) {
    this.#settings = checkHttpPoolOptions(options);
    const { name, clock, headers } = this.#settings;
    this.#headers = new DefaultHeaders(headers);
    this.#jsonHeaders = new DefaultHeaders(headers, "application/json");
    this.#calls = new Deadlines(clock);
    this.#dispatcher = new HttpDispatcher(this.#settings);
    this.#untrack = instruments.track(
      httpPoolKind,
      { name },
      this,
      httpPoolValues,
    );
  }

  /**
   * Like the global `fetch`, within the pool's bounds: any status is a
   * response. A body that announces no more than 64 KiB has arrived with it.
   * Read any other, or cancel it: until then it takes up room in the pool,
   * though not for longer than `totalTimeoutMs`.
   *
   * @throws {HttpError} when no answer came; see its `code`.
   * @throws {HttpTimeoutError} when it took too long: queueing, connecting, reading, or in all.
   * @throws {QueueFullError} when `maxWaiting` requests wait for the origin.
   * @throws {ClosedError} once closed.
   */
  fetch(
    url: string | URL,
    options: HttpRequestOptions = {},
  ): Promise<Response> {
    return this.#call(
      url,
      options,
      this.#headers,
      (exchange) => exchange.toResponse(),
    );
  }

  /**
   * The body of a successful response, as a JSON value.
   *
   * @throws {HttpStatusError} when the status is no success.
   * @throws {HttpError} as `fetch`, and when the body is too large or not JSON.
   */
  async getJson<T = unknown>(
    url: string | URL,
    options: HttpRequestOptions = {},
  ): Promise<T> {
    const text = await this.#read(url, options, this.#jsonHeaders, asText);
    try {
      return JSON.parse(text);
    } catch (cause) {
      const shown = shownUrl(String(url));
      throw new HttpError(
        "SLUICE_HTTP_NOT_JSON",
        shown,
        `${shown} answered with something else than JSON`,
        { cause },
      );
    }
  }

  /**
   * The body of a successful response, as text.
   *
   * @throws {HttpStatusError} when the status is no success.
   * @throws {HttpError} as `fetch`, and when the body is too large.
   */
  getText(
    url: string | URL,
    options: HttpRequestOptions = {},
  ): Promise<string> {
    return this.#read(url, options, this.#headers, asText);
  }

  /**
   * The body of a successful response.
   *
   * @throws {HttpStatusError} when the status is no success.
   * @throws {HttpError} as `fetch`, and when the body is too large.
   */
  getBytes(
    url: string | URL,
    options: HttpRequestOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#read(url, options, this.#headers, asBytes);
  }

  /**
   * Fetches many URLs, so many at a time; one outcome for each, in their order,
   * whatever becomes of the others.
   *
   * @throws {InvalidOptionError} naming the option.
   */
  async fetchAll<T = unknown>(
    urls: Iterable<string | URL>,
    options: HttpFetchAllOptions = {},
  ): Promise<HttpOutcome<T>[]> {
    return await fetchAll<T>(this, urls, options);
  }

  /** Waits until nothing runs or waits any more; takes new requests meanwhile. */
  async drain(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkGiven("drain", options, SIGNAL_OPTIONS);
    if (this.#calls.size === 0) return;
    this.#drained ??= Promise.withResolvers();
    await abortable(this.#drained.promise, options.signal);
  }

  /** Ends whatever runs or waits, and closes all connections. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  #close(): Promise<void> {
    for (const call of this.#calls) {
      call.abort(new ClosedError(this.#settings.name));
    }
    this.#untrack();
    return this.#dispatcher.close();
  }

  /** Same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Unhealthy when closed; degraded while origins are left alone for failing. */
  checkHealth(): HealthResult {
    if (this.#closing !== undefined) {
      return { status: "unhealthy", message: "it is closed" };
    }
    const failing = this.#dispatcher.leftAlone;
    if (failing.length === 0) return { status: "healthy" };
    const named = failing.slice(0, 5).join(", ");
    return {
      status: "degraded",
      message: `${failing.length} origins failed lately: ${named}` +
        (failing.length > 5 ? ", …" : ""),
    };
  }

  /** A snapshot of the counters. */
  get stats(): HttpPoolStats {
    return {
      name: this.#settings.name,
      ...this.#dispatcher.stats,
      calls: this.#callCount,
      retries: this.#retries,
      redirects: this.#redirects,
      failures: this.#failures,
    };
  }

  #read<T>(
    url: string | URL,
    options: HttpRequestOptions,
    headers: DefaultHeaders,
    form: UseOfBody<T>,
  ): Promise<T> {
    const most = this.#settings.maxBodyBytes;
    return this.#call(
      url,
      options,
      headers,
      (exchange) => exchange.read(options.maxBodyBytes ?? most, form),
    );
  }

  async #call<T>(
    url: string | URL,
    options: HttpRequestOptions,
    headers: DefaultHeaders,
    consume: (exchange: HttpExchange) => Promise<T>,
  ): Promise<T> {
    checkGiven("a request", options, REQUEST_OPTIONS);
    const { signal, redirect } = options;
    const { isOrigin } = this.#dispatcher;
    if (this.#closing !== undefined) throw new ClosedError(this.#settings.name);
    signal?.throwIfAborted();
    const settings = this.#settingsFor(options);
    this.#callCount++;
    try {
      const call = new HttpCall({
        request: HttpRequest.from(url, options, headers, isOrigin),
        settings,
        isPatient: isAsPatient(settings, this.#settings),
        followsRedirects: redirect !== "manual",
        signal,
        hooks: this.#hooks,
      });
      this.#calls.add(call);
      return await call.run(consume);
    } catch (error) {
      this.#failures++;
      throw error;
    }
  }

  #settingsFor(options: HttpRequestOptions): HttpPoolSettings {
    const pool = this.#settings;
    const { totalTimeoutMs, readTimeoutMs, maxRetries, maxBodyBytes } = options;
    if (
      totalTimeoutMs === undefined && readTimeoutMs === undefined &&
      maxRetries === undefined && maxBodyBytes === undefined
    ) return pool;
    return {
      ...pool,
      totalTimeoutMs: totalTimeoutMs ?? pool.totalTimeoutMs,
      readTimeoutMs: readTimeoutMs ?? pool.readTimeoutMs,
      maxRetries: maxRetries ?? pool.maxRetries,
      maxBodyBytes: maxBodyBytes ?? pool.maxBodyBytes,
    };
  }

  readonly #hooks = {
    begin: (
      request: HttpRequest,
      call: HttpCall,
    ): HttpExchange | Promise<HttpExchange> =>
      this.#dispatcher.begin(request, call),
    onSooner: (call: HttpCall): void => this.#calls.watch(call),
    onRetry: (): void => void this.#retries++,
    onRedirect: (): void => void this.#redirects++,
    onEnd: (call: HttpCall): void => this.#forget(call),
  };

  #forget(call: HttpCall): void {
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}

/** Says if the origin has as much time in a call as the pool would give it. */
function isAsPatient(call: HttpPoolSettings, pool: HttpPoolSettings): boolean {
  return call.readTimeoutMs >= pool.readTimeoutMs &&
    call.totalTimeoutMs >= pool.totalTimeoutMs;
}
