import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { cached, type CachedFunction } from "../../cache/cached/cached.ts";
import type { CacheStore } from "../../cache/cache_store.ts";
import { isObject } from "../../protocol/jsonrpc.ts";
import type { Call } from "../calls/call.ts";
import { isInputRequiredResult } from "../questions/input_required.ts";
import { isCreateTaskResult } from "../tasks/task.ts";

/** Settings for remembering the outcome of a read-only tool or resource. */
export interface HandlerCacheOptions {
  /** Time that an outcome is fresh, in milliseconds. */
  ttlMs: number;
  /**
   * Extra time that it may be served while one call refreshes it, in
   * milliseconds.
   * @default the cache's `staleMs`
   */
  staleMs?: number;
  /**
   * Share one outcome among all callers. Otherwise each caller has its own.
   * @default false
   */
  public?: boolean;
  /**
   * Store of the outcomes; one that is handed in stays open.
   * @default a MemoryCache of its own
   */
  cache?: CacheStore;
  /** Names under which outcomes can be invalidated in a cache handed in. */
  tags?: readonly string[];
}

/** Their values are checked by {@linkcode cached}. */
const CACHE_OPTIONS = {
  ttlMs: option.optional<number>(),
  staleMs: option.optional<number>(),
  public: option.any(false),
  cache: option.optional<CacheStore>(),
  tags: option.optional<readonly string[]>(),
} satisfies OptionRules<HandlerCacheOptions>;

type Load = () => unknown;

const ANYBODY: readonly string[] = [""];

/** An outcome that holds for one call only, on its way past the cache. */
class OnceOnly extends Error {
  readonly outcome: unknown;

  constructor(outcome: unknown) {
    super("this outcome is not kept");
    this.outcome = outcome;
  }
}

/** Remembers what a handler returned, by its input and by who asked. */
export class HandlerCache implements AsyncDisposable {
  readonly #cached: CachedFunction<[unknown, readonly string[], Load], unknown>;
  readonly #public: boolean;

  /** @param name what the cache's statistics and a shared cache's keys begin with */
  constructor(name: string, options: HandlerCacheOptions) {
    const { public: isPublic, ...read } = readOptions(
      `${name}: cache`,
      options,
      CACHE_OPTIONS,
    );
    this.#public = isPublic;
    this.#cached = cached(
      async (_input: unknown, _asker: readonly string[], load: Load) => {
        const outcome = await load();
        if (!isKept(outcome)) throw new OnceOnly(outcome);
        return outcome;
      },
      { ...read, name, key: (input, asker) => [input ?? null, ...asker] },
    );
  }

  /** The remembered outcome, or a new one that all who wait for it share. */
  async run(
    input: unknown,
    call: Call,
    handle: (call: Call) => unknown,
  ): Promise<unknown> {
    // The work may begin after the answer: Deno (2.9) keeps headers that were asked for.
    void call.reply.request?.headers;
    try {
      return await this.#cached(
        input,
        this.#public ? ANYBODY : askerOf(call),
        () => handle(call.shared()),
      );
    } catch (error) {
      if (error instanceof OnceOnly) return error.outcome;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cached.close();
  }
}

/** The caller, and what it may: other scopes may see other things. */
export function askerOf({ caller, identity }: Call): readonly string[] {
  return [caller, ...(identity?.scopes ?? []).toSorted()];
}

/** Failures, questions, tasks and streams are the affair of the call that got them. */
function isKept(outcome: unknown): boolean {
  return !isObject(outcome) ||
    (outcome.isError !== true && !isInputRequiredResult(outcome) &&
      !isCreateTaskResult(outcome) && typeof outcome.next !== "function");
}
