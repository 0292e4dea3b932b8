import type { Clock } from "../../base/clock.ts";
import { InvalidOptionError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { quote } from "../../base/options.ts";
import type {
  RateLimitDecision,
  RateLimitStore,
} from "../../limit/rate_limit_store.ts";
import {
  RATE_LIMITER_OPTIONS,
  RateLimiter,
  type RateLimiterOptions,
} from "../../limit/rate_limiter.ts";
import type { Log } from "../../observe/log/log.ts";
import { RefusedError } from "../../protocol/protocol_errors.ts";
import { accountOf, addressAccount } from "../identity/account.ts";
import type { ServerContext } from "../server_context.ts";
import type { Call } from "./call.ts";

/**
 * Key that a request is counted under: `"caller"` is who it is known to be, or else
 * its address; an IPv6 address counts as its /64. Where there is no address, as on
 * stdio, the one client is counted. Of a function's keys each is counted by itself;
 * what it returns `undefined` for isn't.
 */
export type RateLimitKey =
  | "caller"
  | "address"
  | ((ctx: ServerContext) => string | undefined);

/** How often callers may ask, on a server or for one tool. */
export interface RateLimitOptions extends Omit<RateLimiterOptions, "clock"> {
  /**
   * Key that requests are counted under.
   * @default "caller"
   */
  by?: RateLimitKey;
  /**
   * Name in metrics, and a prefix of its keys in the store.
   * @default the server's name, and the tool's
   */
  name?: string;
}

const { clock: _, ...LIMITER_OPTIONS } = RATE_LIMITER_OPTIONS;

const RATE_LIMIT_OPTIONS = {
  ...LIMITER_OPTIONS,
  by: readBy,
  name: option.optional<string>(),
} satisfies OptionRules<RateLimitOptions>;

/** Things that a rate limit needs of its server. */
export interface CallRateLimitHost {
  readonly clock: Clock;
  /** Takes one line of a cause in a while. */
  readonly log: Log;
  /** The server's name. */
  readonly name: string;
  /** Store that replicas share, where there is one. */
  readonly store?: RateLimitStore | undefined;
}

/** Refuses the calls of whoever asks too often. */
export class CallRateLimit {
  readonly #limiter: RateLimiter;
  readonly #keyOf: (call: Call) => string | undefined;
  readonly #log: Log;
  /** Whose limit it is, such as `tool search`. */
  readonly #what: string;
  readonly #policy: string;
  /** Its name in headers, which take ASCII alone. */
  readonly #label: string;

  /** @throws {InvalidOptionError} naming the option */
  constructor(
    what: string,
    options: RateLimitOptions,
    { clock, log, name, store }: CallRateLimitHost,
  ) {
    const { by, ...read } = readOptions(
      `${what}: rateLimit`,
      options,
      RATE_LIMIT_OPTIONS,
      `${what}: rateLimit.`,
    );
    this.#keyOf = keyReader(what, by);
    this.#limiter = makeLimiter(what, {
      ...read,
      name: read.name ?? `${name}: ${what}`,
      store: read.store ?? store,
      clock,
    });
    this.#log = log;
    this.#what = what;
    this.#label = `"${what.replaceAll(/[^\x20-\x7e]|["\\]/g, "?")}"`;
    this.#policy = `${this.#label};q=${options.limit};w=${
      seconds(options.intervalMs)
    }`;
  }

  /**
   * Counts a call, and tells its client where it stands.
   *
   * @throws {RefusedError} if it is one too many
   */
  async admit(call: Call): Promise<void> {
    const key = this.#keyOf(call);
    if (key === undefined) return;
    const decision = await this.#limiter.take(key);
    call.reply.addHeaders?.(this.#headersOf(decision));
    if (decision.allowed) return;
    this.#log.warning(
      `calls over the rate limit of ${this.#what} are refused`,
      call.logFields(),
    );
    throw new RefusedError("rate_limited", decision.retryAfterMs);
  }

  /** As draft-ietf-httpapi-ratelimit-headers (from its 8th revision on) has them. */
  #headersOf(
    { remaining, resetAfterMs }: RateLimitDecision,
  ): Record<string, string> {
    return {
      "ratelimit-policy": this.#policy,
      ratelimit: `${this.#label};r=${remaining};t=${seconds(resetAfterMs)}`,
    };
  }
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

/** @throws {InvalidOptionError} naming whose option it is */
function makeLimiter(what: string, options: RateLimiterOptions): RateLimiter {
  try {
    return new RateLimiter(options);
  } catch (error) {
    throw error instanceof InvalidOptionError
      ? new InvalidOptionError(`${what}: rateLimit.${error.message}`)
      : error;
  }
}

function keyReader(
  what: string,
  by: RateLimitKey,
): (call: Call) => string | undefined {
  if (by === "address") return ({ reply }) => addressAccount(reply.peer);
  if (by === "caller") {
    return ({ caller, reply }) => accountOf(caller, reply.peer);
  }
  return (call) => {
    const key = by(call.context);
    if (key === undefined || typeof key === "string") return key;
    throw new TypeError(
      `${what}: rateLimit.by must return a string, or undefined for what ` +
        `isn't counted, got ${quote(key)}`,
    );
  };
}

function readBy(name: string, by: unknown = "caller"): RateLimitKey {
  if (by === "caller" || by === "address" || typeof by === "function") {
    return by as RateLimitKey;
  }
  throw new InvalidOptionError(
    `${name} must be "caller", "address" or a function, got ${quote(by)}`,
  );
}
