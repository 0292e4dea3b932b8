import type { Clock } from "../../base/clock.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { cacheKey } from "../../cache/cache_key.ts";
import { cached, type CachedFunction } from "../../cache/cached/cached.ts";
import type { CacheStore } from "../../cache/cache_store.ts";
import { MemoryCache } from "../../cache/memory/memory_cache.ts";
import { jsonForm } from "../../protocol/json_value.ts";
import {
  asUrlElicitationRequired,
  IdempotencyError,
  MissingRequiredClientCapabilityError,
  RefusedError,
} from "../../protocol/protocol_errors.ts";
import type { Call } from "../calls/call.ts";
import { failureText } from "../calls/failure_text.ts";
import {
  AccessDeniedError,
  InsufficientScopeError,
} from "../identity/access_errors.ts";
import { isInputRequiredResult } from "../questions/input_required.ts";
import { isAnsweredWrong } from "../questions/rounds.ts";
import { askerOf } from "./handler_cache.ts";
import { idempotencyKeyOf } from "./idempotency_key.ts";

/** Bounds of the store that is not handed in: two entries a key. */
const MAX_ENTRIES = 20_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** Settings for running the calls that carry an idempotency key once each. */
export interface IdempotencyOptions {
  /** Milliseconds for which a key and its outcome are kept. */
  ttlMs: number;
  /**
   * Store of the outcomes, such as a {@linkcode RedisCache} that replicas share;
   * one that is handed in stays open.
   * @default the Redis that replicas share, where there is one; otherwise 10,000
   * keys or 64 MiB in this process
   */
  cache?: CacheStore;
}

const IDEMPOTENCY_OPTIONS = {
  ttlMs: option.durationMs(undefined, 1),
  cache: option.optional<CacheStore>(),
} satisfies OptionRules<IdempotencyOptions>;

/** What a call came to, as it is kept. */
interface KeptOutcome {
  /** Digest of the arguments that it was called with. */
  readonly arguments: string;
  readonly value?: unknown;
  /** The message of what the handler threw. */
  readonly error?: string;
}

/** The end of a call that leaves its key unused. */
class NotKept extends Error {
  /** @param call the one that it belongs to */
  constructor(readonly call: Call, readonly outcome: () => unknown) {
    super("this outcome is not kept");
  }
}

/**
 * Runs the calls of a tool that carry a key once for each caller and key. A mark
 * is left in the store before the handler begins: a claim that ends without an
 * outcome then tells that its owner has died, and nobody runs the call again.
 */
export class Idempotency implements AsyncDisposable {
  readonly #name: string;
  readonly #ttlMs: number;
  readonly #store: CacheStore;
  readonly #own: MemoryCache | undefined;
  readonly #once: CachedFunction<
    [string, () => Promise<KeptOutcome>],
    KeptOutcome
  >;

  /** @param name what the keys in a shared store begin with */
  constructor(
    name: string,
    options: IdempotencyOptions,
    { clock, shared }: { clock: Clock; shared: CacheStore | undefined },
  ) {
    const where = `${name}: idempotent`;
    const { ttlMs, cache } = readOptions(
      where,
      options,
      IDEMPOTENCY_OPTIONS,
      `${where}.`,
    );
    this.#name = name;
    this.#ttlMs = ttlMs;
    this.#store = cache ?? shared ?? (this.#own = new MemoryCache({
      name: `${name} (idempotency)`,
      maxEntries: MAX_ENTRIES,
      maxBytes: MAX_BYTES,
      clock,
    }));
    this.#once = cached(
      async (_key: string, run: () => Promise<KeptOutcome>) => await run(),
      {
        name: `${name} (idempotency)`,
        key: (key) => key,
        cache: this.#store,
        ttlMs,
        staleMs: 0,
        clock,
      },
    );
  }

  /** The outcome of the call, or of the first one with its key. */
  async run(
    _input: unknown,
    call: Call,
    handle: (call: Call) => unknown,
  ): Promise<unknown> {
    const given = idempotencyKeyOf(call);
    if (given === undefined) return await handle(call);
    // Who has lost the connection will ask again.
    call.outlivesClient = true;
    const key = cacheKey(...askerOf(call), given);
    const args = await digest(cacheKey(call.params.arguments ?? {}));
    let thrown: unknown;
    const work = async () => {
      try {
        return await handle(call);
      } catch (error) {
        thrown = error;
        throw error;
      }
    };
    let outcome: Promise<KeptOutcome> | undefined;
    const run = () => outcome ??= this.#run(key, args, call, work);
    const kept = await this.#settled(key, call, run);
    if (kept instanceof NotKept) return kept.outcome();
    if (kept.arguments !== args) throw new IdempotencyError("key_reused");
    if (kept.error !== undefined) throw thrown ?? new Error(kept.error);
    return kept.value;
  }

  /** Goes through what others did not keep: such a key is free for the next. */
  async #settled(
    key: string,
    call: Call,
    run: () => Promise<KeptOutcome>,
  ): Promise<KeptOutcome | NotKept> {
    for (;;) {
      try {
        return await this.#once(key, run);
      } catch (error) {
        if (!(error instanceof NotKept)) throw error;
        if (error.call === call) return error;
      }
    }
  }

  async #run(
    key: string,
    args: string,
    call: Call,
    work: () => Promise<unknown>,
  ): Promise<KeptOutcome> {
    const mark = `${this.#name} (begun):${key}`;
    await this.#begin(mark);
    try {
      const value = await work();
      if (call.over && value === undefined) throw call.signal.reason;
      if (isInputRequiredResult(value) || asks(call)) {
        return await this.#leave(mark, new NotKept(call, () => value));
      }
      return { arguments: args, value: jsonForm(value) };
    } catch (error) {
      if (error instanceof NotKept) throw error;
      // It was given up, and how far it had come is not known.
      if (call.over) throw new IdempotencyError("outcome_unknown");
      if (asks(call) || isAnsweredWrong(call, error) || isRefusal(error)) {
        const outcome = () => Promise.reject(error);
        return await this.#leave(mark, new NotKept(call, outcome));
      }
      const text = failureText(error, call.host.revealUrls);
      return { arguments: args, error: text };
    }
  }

  /** @throws {IdempotencyError} if it has begun before, or that can't be known */
  async #begin(mark: string): Promise<void> {
    if (await this.#store.get(mark) !== undefined) {
      throw new IdempotencyError("outcome_unknown");
    }
    const lifetime = { ttlMs: this.#ttlMs, staleMs: 0 };
    if (await this.#store.set(mark, true, lifetime) !== false) return;
    await this.#store.delete(mark);
    throw new IdempotencyError("store_unavailable");
  }

  async #leave(mark: string, unkept: NotKept): Promise<never> {
    await this.#store.delete(mark);
    throw unkept;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#once.close();
    this.#own?.close();
  }
}

/** Tells if the client is asked something: the call is not over then. */
function asks({ begunInquiry, era }: Call): boolean {
  return era.asksByResult && begunInquiry?.waiting === true;
}

/** Tells if an error says that nothing was done, and what has to come first. */
function isRefusal(error: unknown): boolean {
  return error instanceof AccessDeniedError ||
    error instanceof InsufficientScopeError ||
    error instanceof MissingRequiredClientCapabilityError ||
    error instanceof RefusedError ||
    asUrlElicitationRequired(error) !== undefined;
}

async function digest(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(hash).toHex();
}
