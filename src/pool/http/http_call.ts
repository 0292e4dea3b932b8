import { abortable, sleep } from "../../base/abort.ts";
import { backoffMs } from "../../base/backoff.ts";
import type { Timed } from "./deadlines.ts";
import { HttpError, HttpFailedError, HttpTimeoutError } from "./http_errors.ts";
import type { HttpExchange } from "./http_exchange.ts";
import type { HttpPoolSettings } from "./http_pool_options.ts";
import type { HttpRequest } from "./http_request.ts";
import type { ResponseHead } from "./response_head.ts";

const retryableStatuses = new Set([408, 425, 429, 502, 503, 504]);

/** A date as HTTP writes it (RFC 9110, section 5.6.7), in any of the three ways. */
const httpDate = /^[A-Z][a-z]+,? .*\d\d:\d\d:\d\d/;

/** The part of a pool that an {@linkcode HttpCall} needs. */
export interface HttpCallHooks {
  /** Begins an exchange when it is the request's turn. */
  begin: (
    request: HttpRequest,
    call: HttpCall,
  ) => HttpExchange | Promise<HttpExchange>;
  /** Told when the call's time ends sooner than it did. */
  onSooner: (call: HttpCall) => void;
  /** Told before a request is repeated. */
  onRetry: () => void;
  /** Told before a redirect is followed. */
  onRedirect: () => void;
  /** Called once, when nothing of the call is left. */
  onEnd: (call: HttpCall) => void;
}

/** Everything an {@linkcode HttpCall} is made from. */
export interface HttpCallOptions {
  request: HttpRequest;
  /** The pool's, with what the call overrides. */
  settings: HttpPoolSettings;
  /** True if the origin has all the time that the pool gives. */
  isPatient: boolean;
  followsRedirects: boolean;
  signal: AbortSignal | undefined;
  hooks: HttpCallHooks;
}

/** The step that a response leads to. */
type Next = { redirect: HttpRequest } | { retryDelayMs: number };

/** One call of a pool's user: its redirects, its retries, and the time for all of it. */
export class HttpCall implements Timed {
  readonly #settings: HttpPoolSettings;
  readonly #hooks: HttpCallHooks;
  readonly #callerSignal: AbortSignal | undefined;
  readonly #onCallerAbort: (() => void) | undefined;
  readonly #endsAtMs: number;
  readonly #followsRedirects: boolean;
  readonly isPatient: boolean;
  #request: HttpRequest;
  /** When the stage ends that it is in: its turn, a connection, or the next sign of the server. */
  #stageEndsAtMs = Infinity;
  #stage: "queue" | "connect" | "read" = "queue";
  #exchange: HttpExchange | undefined;
  /** Ends waits; made only if it comes to one. */
  #waits: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;
  #holds = 0;
  #tries = 0;
  #failedTries = 0;
  #redirects = 0;

  constructor(options: HttpCallOptions) {
    const { request, settings, signal } = options;
    this.#request = request;
    this.#settings = settings;
    this.#followsRedirects = options.followsRedirects;
    this.isPatient = options.isPatient;
    this.#hooks = options.hooks;
    this.#endsAtMs = settings.clock.now() + settings.totalTimeoutMs;
    if (signal === undefined) return;
    this.#callerSignal = signal;
    this.#onCallerAbort = () => this.abort(signal.reason);
    signal.addEventListener("abort", this.#onCallerAbort, { once: true });
  }

  /** Counts the requests before the one at hand. */
  get resends(): number {
    return this.#tries - 1;
  }

  get dueAtMs(): number {
    return Math.min(this.#endsAtMs, this.#stageEndsAtMs);
  }

  expire(): void {
    const { clock, totalTimeoutMs } = this.#settings;
    const { href } = this.#request;
    if (clock.now() >= this.#endsAtMs) {
      this.abort(new HttpTimeoutError(href, "total", totalTimeoutMs));
    } else {
      const error = new HttpTimeoutError(href, this.#stage, this.#stageMs);
      if (this.#stage === "queue") this.abort(error);
      else this.#exchange?.abort(error);
    }
  }

  /** Ends the call, whatever it is at. */
  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = { reason };
    this.#waits?.abort(reason);
    this.#exchange?.abort(reason);
  }

  /** Waits for the call's turn, for no longer than `queueTimeoutMs`. */
  async wait<T>(turn: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#enter("queue");
    try {
      return await turn(this.#waitSignal);
    } finally {
      this.#stageEndsAtMs = Infinity;
    }
  }

  /** From now on the server is waited for, until `exchange` has ended. */
  begin(exchange: HttpExchange): void {
    this.#holds++;
    this.#exchange = exchange;
    if (this.#aborted !== undefined) exchange.abort(this.#aborted.reason);
  }

  /** Gives a connection `connectTimeoutMs` to come about. */
  expectConnection(): void {
    this.#enter("connect");
  }

  /** Gives the server `readTimeoutMs` to say something. */
  expectSign(): void {
    this.#enter("read");
  }

  /** Nothing is expected of the server for now. */
  expectNothing(): void {
    this.#stageEndsAtMs = Infinity;
  }

  /** Told when the exchange that began last has ended. */
  end(): void {
    this.#exchange = undefined;
    this.expectNothing();
    this.#release();
  }

  #release(): void {
    if (--this.#holds > 0) return;
    if (this.#onCallerAbort !== undefined) {
      this.#callerSignal!.removeEventListener("abort", this.#onCallerAbort);
    }
    this.#hooks.onEnd(this);
  }

  /** Sends the request, and others in its wake, until `consume` has its response. */
  async run<T>(consume: (exchange: HttpExchange) => Promise<T>): Promise<T> {
    this.#holds++;
    try {
      // What the caller changes from now on is not what is sent.
      if (this.#request.body !== null) await this.#request.prepareBody();
      if (this.#settings.allowUrl !== undefined) await this.#checkAllowed();
      let earlier: (() => Promise<T>) | undefined;
      for (;;) {
        if (this.#aborted !== undefined) throw this.#aborted.reason;
        this.#tries++;
        let exchange: HttpExchange;
        try {
          const begun = this.#hooks.begin(this.#request, this);
          exchange = begun instanceof Promise ? await begun : begun;
        } catch (error) {
          // A try that never went out says less than the one before it.
          if (earlier === undefined || this.#aborted !== undefined) throw error;
          return await earlier();
        }
        try {
          const next = this.#nextAfter(await exchange.send());
          if (next === undefined) return await consume(exchange);
          const isWhole = await exchange.drain();
          earlier = undefined;
          if ("redirect" in next) await this.#redirect(next.redirect);
          else {
            if (isWhole) earlier = () => consume(exchange);
            await this.#pause(next.retryDelayMs);
          }
        } catch (error) {
          exchange.abort(error);
          const delayMs = this.#delayAfterError(error);
          if (delayMs === undefined) throw error;
          earlier = () => Promise.reject(error);
          await this.#pause(delayMs);
        }
      }
    } catch (error) {
      this.#request.dropBody(error);
      throw error;
    } finally {
      this.#release();
    }
  }

  async #redirect(request: HttpRequest): Promise<void> {
    const { maxRedirects, allowUrl } = this.#settings;
    this.#hooks.onRedirect();
    if (++this.#redirects > maxRedirects) {
      throw new HttpError(
        "SLUICE_HTTP_REDIRECT",
        this.#request.href,
        `${this.#request.shownUrl} redirects once more after ${maxRedirects} redirects`,
      );
    }
    this.#request.dropBody(undefined);
    this.#request = request;
    if (allowUrl !== undefined) await this.#checkAllowed();
  }

  async #pause(delayMs: number): Promise<void> {
    this.#failedTries++;
    this.#hooks.onRetry();
    const { clock } = this.#settings;
    await sleep(delayMs, { signal: this.#waitSignal, clock });
  }

  async #checkAllowed(): Promise<void> {
    const { href, shownUrl } = this.#request;
    const verdict = this.#settings.allowUrl!(new URL(href));
    const isAllowed = typeof verdict === "boolean"
      ? verdict
      : await abortable(Promise.resolve(verdict), this.#waitSignal);
    if (isAllowed) return;
    throw new HttpError(
      "SLUICE_HTTP_URL_REFUSED",
      href,
      `${shownUrl} is not among the URLs that this pool may fetch`,
    );
  }

  /** The step that a response leads to, if it is not the caller's to have. */
  #nextAfter(response: ResponseHead): Next | undefined {
    const { status } = response;
    if (status < 300) return undefined;
    if (this.#followsRedirects) {
      const { headersToOtherOrigins } = this.#settings;
      const redirect = this.#request
        .redirectedBy(response, headersToOtherOrigins);
      if (redirect !== undefined) return { redirect };
    }
    if (!retryableStatuses.has(status) || !this.#request.idempotent) {
      return undefined;
    }
    const retryDelayMs = this.#delay(retryAfterMs(response));
    return retryDelayMs === undefined ? undefined : { retryDelayMs };
  }

  /**
   * The wait after an error before the request is repeated, if it may
   * be. What never reached the server may be even if repeating it could do harm.
   */
  #delayAfterError(error: unknown): number | undefined {
    if (this.#aborted !== undefined) return undefined;
    const failed = error instanceof HttpFailedError;
    const lost = failed ||
      error instanceof HttpTimeoutError && error.phase !== "queue";
    const repeatable = failed && !error.sent ||
      lost && this.#request.idempotent;
    return repeatable ? this.#delay() : undefined;
  }

  #delay(askedMs?: number): number | undefined {
    const { maxRetries, retryDelayMs, maxRetryDelayMs, random, clock } =
      this.#settings;
    if (this.#failedTries >= maxRetries || this.#request.hasStream) {
      return undefined;
    }
    const delayMs = askedMs ?? backoffMs(this.#failedTries + 1, {
      firstMs: retryDelayMs,
      maxMs: maxRetryDelayMs,
      random,
    });
    const tooLate = clock.now() + delayMs >= this.#endsAtMs;
    return delayMs > maxRetryDelayMs || tooLate ? undefined : delayMs;
  }

  #enter(stage: "queue" | "connect" | "read"): void {
    this.#stage = stage;
    this.#stageEndsAtMs = this.#settings.clock.now() + this.#stageMs;
    this.#hooks.onSooner(this);
  }

  get #stageMs(): number {
    const { queueTimeoutMs, connectTimeoutMs, readTimeoutMs } = this.#settings;
    if (this.#stage === "read") return readTimeoutMs;
    return this.#stage === "queue" ? queueTimeoutMs : connectTimeoutMs;
  }

  /** Aborts when the call is over before its time. */
  get #waitSignal(): AbortSignal {
    this.#waits ??= new AbortController();
    if (this.#aborted !== undefined) this.#waits.abort(this.#aborted.reason);
    return this.#waits.signal;
  }
}

/**
 * The wait that a response asks of its client, in milliseconds; undefined if it
 * doesn't say so in a way that HTTP knows, or names a time that is over. A date
 * is measured by the server's own clock where it tells it.
 */
function retryAfterMs(response: ResponseHead): number | undefined {
  const value = response.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  if (!httpDate.test(value)) return undefined;
  const serverNowMs = timeOf(response.get("date") ?? "");
  const delayMs = timeOf(value) -
    (Number.isNaN(serverNowMs) ? Date.now() : serverNowMs);
  return delayMs > 0 ? delayMs : undefined;
}

/** The time that a date means; the oldest of the three ways doesn't say that it is in GMT. */
function timeOf(date: string): number {
  return Date.parse(date.endsWith("GMT") ? date : `${date} GMT`);
}
