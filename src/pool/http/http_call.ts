import { sleep } from "../../base/abort.ts";
import type { TimerHandle } from "../../base/clock.ts";
import { backoffMs } from "../../base/backoff.ts";
import { discardBody } from "./response_body.ts";
import { HttpError, HttpFailedError, HttpTimeoutError } from "./http_errors.ts";
import type {
  HttpPoolSettings,
  HttpRequestOptions,
} from "./http_pool_options.ts";
import type { HttpRequest } from "./http_request.ts";

const retryableStatuses = new Set([408, 425, 429, 502, 503, 504]);

/** What an {@linkcode HttpCall} needs of its pool. */
export interface HttpCallHooks {
  /** Waits for a turn and sends one request. */
  exchange: (request: HttpRequest, call: HttpCall) => Promise<Response>;
  /** Told before a request is repeated. */
  onRetry: () => void;
  /** Told before a redirect is followed. */
  onRedirect: () => void;
  /** Called once, when nothing of the call is left. */
  onEnd: (call: HttpCall) => void;
}

/** What one try came to. */
type Outcome<T> =
  | { value: T }
  | { redirect: HttpRequest }
  | { retryDelayMs: number };

/** One call of a pool's user: its redirects, its retries, and the time for all of it. */
export class HttpCall {
  readonly #settings: HttpPoolSettings;
  readonly #callerSignal: AbortSignal | undefined;
  readonly #followRedirects: boolean;
  readonly #hooks: HttpCallHooks;
  readonly #controller = new AbortController();
  readonly #onCallerAbort: () => void;
  readonly #endsAtMs: number;
  #timer: TimerHandle;
  #holds = 0;
  #tries = 0;

  /** @param settings The pool's, with what the request overrides. */
  constructor(
    url: string,
    settings: HttpPoolSettings,
    { signal, redirect = "follow" }: HttpRequestOptions,
    hooks: HttpCallHooks,
  ) {
    const { totalTimeoutMs, clock } = settings;
    this.#settings = settings;
    this.#callerSignal = signal;
    this.#followRedirects = redirect === "follow";
    this.#hooks = hooks;
    this.#onCallerAbort = () => this.abort(signal!.reason);
    signal?.addEventListener("abort", this.#onCallerAbort, { once: true });
    this.#endsAtMs = clock.now() + totalTimeoutMs;
    if (totalTimeoutMs !== Infinity) {
      this.#timer = clock.setTimeout(
        () => this.abort(new HttpTimeoutError(url, "total", totalTimeoutMs)),
        totalTimeoutMs,
      );
    }
  }

  /** Aborts when the call is over before its time. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** How often a request was sent before the one at hand. */
  get resends(): number {
    return this.#tries - 1;
  }

  get readTimeoutMs(): number {
    return this.#settings.readTimeoutMs;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Keeps the call's time running until as many `release` have followed. */
  hold(): void {
    this.#holds++;
  }

  release(): void {
    if (--this.#holds > 0) return;
    this.#settings.clock.clearTimeout(this.#timer);
    this.#callerSignal?.removeEventListener("abort", this.#onCallerAbort);
    this.#hooks.onEnd(this);
  }

  /** Sends a request, and others in its wake, until `consume` has its response. */
  async run<T>(
    first: HttpRequest,
    consume: (response: Response, request: HttpRequest) => T | Promise<T>,
  ): Promise<T> {
    this.hold();
    try {
      let request = first;
      let redirects = 0;
      let failures = 0;
      await this.#checkAllowed(request);
      for (;;) {
        this.signal.throwIfAborted();
        const outcome = await this.#try(request, failures, consume);
        if ("value" in outcome) return outcome.value;
        if ("redirect" in outcome) {
          this.#hooks.onRedirect();
          this.#checkRedirects(request, ++redirects);
          request = outcome.redirect;
          await this.#checkAllowed(request);
        } else {
          this.#hooks.onRetry();
          failures++;
          const { clock } = this.#settings;
          await sleep(outcome.retryDelayMs, { signal: this.signal, clock });
        }
      }
    } finally {
      this.release();
    }
  }

  async #try<T>(
    request: HttpRequest,
    failures: number,
    consume: (response: Response, request: HttpRequest) => T | Promise<T>,
  ): Promise<Outcome<T>> {
    let response: Response | undefined;
    this.#tries++;
    try {
      response = await this.#hooks.exchange(request, this);
      const redirect = this.#followRedirects
        ? request.redirectedBy(response)
        : undefined;
      if (redirect !== undefined) {
        await discardBody(response, this.#settings.clock);
        return { redirect };
      }
      const retryDelayMs = this.#delayAfter(request, response, failures);
      if (retryDelayMs === undefined) {
        return { value: await consume(response, request) };
      }
      await discardBody(response, this.#settings.clock);
      return { retryDelayMs };
    } catch (error) {
      await response?.body?.cancel().catch(() => {});
      const retryDelayMs = this.#delayAfterError(request, error, failures);
      if (retryDelayMs === undefined) throw error;
      return { retryDelayMs };
    }
  }

  /** How long to wait before a request that got this response is repeated, if it may be. */
  #delayAfter(
    request: HttpRequest,
    response: Response,
    failures: number,
  ): number | undefined {
    if (!isRetryable(response) || !request.idempotent) return undefined;
    return this.#delay(request, failures, retryAfterMs(response));
  }

  /**
   * The same after an error. What never reached the server may be repeated even
   * if repeating it could do harm.
   */
  #delayAfterError(
    request: HttpRequest,
    error: unknown,
    failures: number,
  ): number | undefined {
    if (this.signal.aborted) return undefined;
    const unsent = error instanceof HttpFailedError && !error.sent ||
      error instanceof HttpTimeoutError && error.phase === "connect";
    const lost = error instanceof HttpFailedError ||
      error instanceof HttpTimeoutError && error.phase === "read";
    const repeatable = unsent || lost && request.idempotent;
    return repeatable ? this.#delay(request, failures) : undefined;
  }

  #delay(
    request: HttpRequest,
    failures: number,
    askedMs?: number,
  ): number | undefined {
    const { maxRetries, retryDelayMs, maxRetryDelayMs, random, clock } =
      this.#settings;
    if (failures >= maxRetries || request.hasStream) return undefined;
    const delayMs = askedMs ?? backoffMs(failures + 1, {
      firstMs: retryDelayMs,
      maxMs: maxRetryDelayMs,
      random,
    });
    const tooLate = clock.now() + delayMs >= this.#endsAtMs;
    return delayMs > maxRetryDelayMs || tooLate ? undefined : delayMs;
  }

  async #checkAllowed({ url }: HttpRequest): Promise<void> {
    const { allowUrl } = this.#settings;
    if (allowUrl === undefined || await allowUrl(url)) return;
    throw new HttpError(
      "SLUICE_HTTP_URL_REFUSED",
      url.href,
      `${url} is not among the URLs that this pool may fetch`,
    );
  }

  #checkRedirects({ url }: HttpRequest, redirects: number): void {
    const { maxRedirects } = this.#settings;
    if (redirects <= maxRedirects) return;
    throw new HttpError(
      "SLUICE_HTTP_REDIRECT",
      url.href,
      `${url} redirects once more after ${maxRedirects} redirects`,
    );
  }
}

/** Whether a status says that the same request may fare better later. */
function isRetryable({ status }: Response): boolean {
  return retryableStatuses.has(status);
}

/**
 * How long a response asks its client to wait, in milliseconds; undefined if it
 * doesn't say. A date is measured by the server's own clock where it tells it.
 */
function retryAfterMs({ headers }: Response): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const atMs = Date.parse(value);
  if (Number.isNaN(atMs)) return undefined;
  const serverNowMs = Date.parse(headers.get("date") ?? "");
  return Math.max(
    0,
    atMs - (Number.isNaN(serverNowMs) ? Date.now() : serverNowMs),
  );
}
