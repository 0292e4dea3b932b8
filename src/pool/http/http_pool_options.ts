import { type Clock, systemClock } from "../../base/clock.ts";
import { InvalidOptionError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
  readOptions,
} from "../../base/option_rules.ts";
import { quote } from "../../base/options.ts";
import { isPlainObject } from "../../base/plain_value.ts";

/** When an origin is left alone. */
export interface HttpCircuitOptions {
  /**
   * So many failures in a row (no answer, or a status of 500 and above) open
   * the origin's circuit. A call that gave less time than the pool does, and ran
   * out of it, is no failure.
   * @default 5
   */
  failures?: number;
  /**
   * The time that it stays open, in milliseconds, before one request may try again.
   * @default 10_000
   */
  openMs?: number;
}

const CIRCUIT_OPTIONS = {
  failures: option.integer(5, 1),
  openMs: option.durationMs(10_000, 1),
} satisfies OptionRules<HttpCircuitOptions>;

/** The way in which an {@linkcode HttpPool} treats its origins. */
export interface HttpPoolOptions {
  /**
   * The number of requests that run at once, from the first byte out to the last byte in.
   * @default 100
   */
  maxConcurrency?: number;
  /**
   * The number of them to one origin.
   * @default 32
   */
  maxPerOrigin?: number;
  /**
   * The number that may wait for one origin; one more is refused with a
   * {@linkcode QueueFullError}.
   * @default Infinity
   */
  maxWaiting?: number;
  /**
   * The time that a request may wait for its turn, in milliseconds.
   * @default 5_000
   */
  queueTimeoutMs?: number;
  /**
   * The time that an origin may take to accept a connection, in milliseconds;
   * `Infinity` leaves it to the system. With TLS, that is known only of an origin
   * that was silent for a while; and a request that isn't safe to repeat may be
   * at work by then, for all that is known, and is given up after
   * `readTimeoutMs` only; so is any behind a proxy.
   * @default 5_000
   */
  connectTimeoutMs?: number;
  /**
   * The time that a server may be silent, in milliseconds, before the response
   * starts and between any two pieces of it. That it takes more of a long request
   * is no silence, though that is not to be seen with TLS.
   * @default 30_000
   */
  readTimeoutMs?: number;
  /**
   * The time for all of it, in milliseconds: waiting, redirects, retries,
   * to the last byte of the body.
   * @default 60_000
   */
  totalTimeoutMs?: number;
  /**
   * The time that an unused connection is kept, in milliseconds; a shorter one
   * that the server announces (`Keep-Alive: timeout=5`) goes before it.
   * @default 30_000
   */
  keepAliveMs?: number;
  /**
   * Speaks HTTP/2 with servers that offer it, which takes TLS.
   * @default true
   */
  http2?: boolean;
  /**
   * The number of redirects followed.
   * @default 10
   */
  maxRedirects?: number;
  /**
   * The number of times that a request is repeated, if that is safe.
   * @default 2
   */
  maxRetries?: number;
  /**
   * The wait before the first retry, in milliseconds; doubled each time, half
   * of it random. A server's `Retry-After` (RFC 9110, section
   * 10.2.3) goes before it.
   * @default 100
   */
  retryDelayMs?: number;
  /**
   * The longest wait before a retry, in milliseconds; a `Retry-After` beyond it
   * is not waited for.
   * @default 10_000
   */
  maxRetryDelayMs?: number;
  /**
   * The largest body that `getJson` and its like read, in bytes.
   * @default 10_485_760
   */
  maxBodyBytes?: number;
  /** When an origin is left alone; `false` for never. */
  circuit?: HttpCircuitOptions | false;
  /**
   * Says which URLs may be fetched; asked for each redirect too. Needed
   * wherever users have a say in the URL, or they reach what only the server
   * may reach.
   */
  allowUrl?: (url: URL) => boolean | Promise<boolean>;
  /** Sent with every request that doesn't set them itself. */
  headers?: HeadersInit;
  /**
   * Sends `headers` along when a redirect leads to another origin; what
   * authenticates (Authorization, Cookie) never does.
   * @default false
   */
  headersToOtherOrigins?: boolean;
  /** Root certificates to trust beside the system's, in PEM. */
  caCerts?: string[];
  /** A proxy for all requests. */
  proxy?: { url: string };
  /** Told when an origin's circuit opens and closes. What it throws is warned of. */
  onCircuitChange?: (origin: string, state: "open" | "closed") => void;
  /**
   * The name in metrics and errors.
   * @default "http_pool"
   */
  name?: string;
  /**
   * Where the time comes from.
   * @default systemClock
   */
  clock?: Clock;
  /**
   * The randomness of retries, from 0 to 1.
   * @default Math.random
   */
  random?: () => number;
}

/** What a request may override. */
const REQUEST_LIMITS = {
  totalTimeoutMs: option.timeoutMs(60_000, 1),
  readTimeoutMs: option.timeoutMs(30_000, 1),
  maxRetries: option.integer(2, 0),
  maxBodyBytes: option.limit(10 * 1024 * 1024, 1),
};

const HTTP_POOL_OPTIONS = {
  ...REQUEST_LIMITS,
  maxConcurrency: option.limit(100, 1),
  maxPerOrigin: option.limit(32, 1),
  maxWaiting: option.limit(Infinity, 0),
  queueTimeoutMs: option.timeoutMs(5_000),
  connectTimeoutMs: option.timeoutMs(5_000, 1),
  keepAliveMs: option.durationMs(30_000),
  http2: option.any(true),
  maxRedirects: option.integer(10, 0),
  retryDelayMs: option.durationMs(100),
  maxRetryDelayMs: option.durationMs(10_000),
  circuit: readCircuit,
  allowUrl: option.optional<HttpPoolOptions["allowUrl"]>(),
  headers: option.any<HeadersInit>({}),
  headersToOtherOrigins: option.any(false),
  caCerts: option.optional<string[]>(),
  proxy: option.optional<HttpPoolOptions["proxy"]>(),
  onCircuitChange: option.optional<HttpPoolOptions["onCircuitChange"]>(),
  name: option.any("http_pool"),
  clock: option.any<Clock>(systemClock),
  random: option.any(Math.random),
} satisfies OptionRules<HttpPoolOptions>;

/** One request of an {@linkcode HttpPool}. */
export interface HttpRequestOptions {
  /**
   * The method (RFC 9110, section 9), in any case.
   * @default "GET"
   */
  method?: string;
  /** Sent beside the pool's own `headers`, and instead of those it names too. */
  headers?: HeadersInit;
  /** The content; a stream can be sent once, so it is never sent again. */
  body?: BodyInit | null;
  /** Ends the request, also while its body is read, with its reason. */
  signal?: AbortSignal;
  /**
   * Says that repeating the request does no harm. One that isn't is sent once,
   * and again only if no connection could be made.
   * @default true for GET, HEAD, OPTIONS, PUT, DELETE and anything with an Idempotency-Key
   */
  idempotent?: boolean;
  /**
   * The way of a redirect: followed, or returned as it is.
   * @default "follow"
   */
  redirect?: "follow" | "manual";
  /** Overrides the pool's. */
  totalTimeoutMs?: number;
  /** Overrides the pool's. */
  readTimeoutMs?: number;
  /** Overrides the pool's. */
  maxRetries?: number;
  /** Overrides the pool's. */
  maxBodyBytes?: number;
}

/** {@linkcode HttpPoolOptions} with nothing left open. */
export type HttpPoolSettings = ReadOptions<typeof HTTP_POOL_OPTIONS>;

/** Fills in the defaults and refuses what makes no sense. */
export function checkHttpPoolOptions(
  options: HttpPoolOptions,
): HttpPoolSettings {
  const settings = readOptions("HttpPool", options, HTTP_POOL_OPTIONS);
  const { retryDelayMs, maxRetryDelayMs } = settings;
  if (retryDelayMs <= maxRetryDelayMs) return settings;
  throw new InvalidOptionError(
    `retryDelayMs ${retryDelayMs} is more than maxRetryDelayMs ${maxRetryDelayMs}`,
  );
}

/** The runtime would send an object's name. */
function readBody(name: string, body: unknown): unknown {
  if (!isPlainObject(body) && !Array.isArray(body)) return body;
  throw new InvalidOptionError(
    `${name} must be a text, bytes, a form or a stream, got ${
      quote(body)
    }: write JSON.stringify(…)`,
  );
}

/** How the options of one request are read. */
export const REQUEST_OPTIONS = {
  ...REQUEST_LIMITS,
  method: option.text,
  headers: option.optional<HeadersInit>(),
  body: readBody,
  signal: option.signal,
  idempotent: option.ifGiven(option.flag(false)),
  redirect: option.word("follow", ["follow", "manual"]),
} satisfies OptionRules<HttpRequestOptions>;

function readCircuit(
  name: string,
  circuit: unknown = {},
): Required<HttpCircuitOptions> | false {
  if (circuit === false) return false;
  if (typeof circuit !== "object") {
    throw new InvalidOptionError(
      `circuit must be false or its options, got ${quote(circuit)}`,
    );
  }
  return readOptions(name, circuit ?? {}, CIRCUIT_OPTIONS, `${name}.`);
}
