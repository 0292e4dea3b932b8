import type { CacheSetOptions } from "../cache_store.ts";
import type { Lifetimes } from "../lifetimes.ts";
import type { RedisArgument } from "../../redis/redis_port.ts";
import type { RedisBacklog } from "./redis_backlog.ts";
import type { EntryMarks, RedisCodec } from "./redis_codec.ts";
import type { RedisKeys } from "./redis_keys.ts";
import { type RedisLink, unavailable } from "./redis_link.ts";
import * as scripts from "./redis_scripts.ts";

/** An entry that is there and valid. */
export interface FoundEntry {
  readonly value: unknown;
  readonly stale: boolean;
  readonly marks: EntryMarks | undefined;
}

/** Parts that {@linkcode RedisEntries} works with. */
export interface RedisEntriesOptions {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  readonly codec: RedisCodec;
  readonly lifetimes: Lifetimes;
  readonly backlog: RedisBacklog;
  readonly wallClock: () => number;
  /** Under what name changes are told. */
  readonly id: string;
}

/** A read that waits to be sent with others. */
interface Asked {
  readonly key: string;
  resolve(found: FoundEntry | undefined): void;
}

/** Number of entries that one command reads. */
const BATCH = 100;

/** An entry about to be written. */
export interface EntryDraft {
  readonly payload: string | Uint8Array;
  /** Time at which it goes stale, where it does before it expires. */
  readonly freshUntil: number | undefined;
  /** For Redis's `PX`; empty for an entry that never expires. */
  readonly ttlMs: string;
}

/** Reads and writes entries in Redis. */
export class RedisEntries {
  readonly #options: RedisEntriesOptions;
  #asked: Asked[] = [];

  constructor(options: RedisEntriesOptions) {
    this.#options = options;
  }

  /** Reads that are asked for at the same time share a command. */
  find(key: string): Promise<FoundEntry | undefined> {
    return new Promise((resolve) => {
      if (this.#asked.push({ key, resolve }) === 1) {
        queueMicrotask(this.#answer);
      }
    });
  }

  /** Asks for what is left of an entry's life in Redis, in milliseconds. */
  async leftMs(key: string): Promise<number> {
    const { link, keys } = this.#options;
    const reply = await link.send(["PTTL", keys.entry(key)]);
    if (reply === unavailable) return 0;
    return Number(reply) === -1 ? Infinity : Number(reply);
  }

  /** @throws {CacheValueError} for a value that can't be written down. */
  draft(value: unknown, options?: CacheSetOptions): EntryDraft {
    const { codec, lifetimes, wallClock } = this.#options;
    const { freshMs, staleMs } = lifetimes.of(options);
    const totalMs = freshMs + staleMs;
    return {
      payload: codec.encode(value),
      freshUntil: staleMs > 0 ? Math.round(wallClock() + freshMs) : undefined,
      ttlMs: totalMs === Infinity
        ? ""
        : String(Math.max(1, Math.round(totalMs))),
    };
  }

  /** The draft as it is stored, under versions of its tags known already. */
  stored(
    { payload, freshUntil }: EntryDraft,
    tags: readonly string[],
    versions: readonly string[],
  ): string | Uint8Array {
    const { codec } = this.#options;
    if (!codec.bytes && freshUntil === undefined && tags.length === 0) {
      return payload;
    }
    const t = tags.length === 0
      ? undefined
      : Object.fromEntries(tags.map((tag, i) => [tag, versions[i]]));
    return codec.mark(payload, { f: freshUntil, t });
  }

  /**
   * Writes an entry, and says whether Redis took it; if not, it forgets the older
   * one later.
   */
  async write(
    key: string,
    draft: EntryDraft,
    tags: readonly string[],
  ): Promise<boolean> {
    const command = tags.length === 0
      ? this.#setCommand(key, draft)
      : this.#setTaggedCommand(key, draft, tags);
    const later = this.#deleteCommand(key);
    return await this.#change(`key ${key}`, command, later) !== unavailable;
  }

  async remove(key: string): Promise<boolean> {
    return await this.#change(`key ${key}`, this.#deleteCommand(key)) === 1;
  }

  async invalidateTag(tag: string): Promise<void> {
    const { keys } = this.#options;
    const command = scripts.evalScript(
      scripts.INVALIDATE_TAG,
      [keys.tag(tag)],
      [keys.channel, this.change("t", tag)],
    );
    await this.#change(`tag ${tag}`, command);
  }

  /** Says what others are told of a change: of keys ("k") or of a tag ("t"). */
  change(kind: "k" | "t", ...subjects: string[]): string {
    return JSON.stringify([this.#options.id, kind, ...subjects]);
  }

  /** Sends a change, or remembers what is to be sent in its place. */
  async #change(
    subject: string,
    command: readonly RedisArgument[],
    later: readonly RedisArgument[] = command,
  ): Promise<unknown> {
    const { link, backlog } = this.#options;
    // What is made up for meanwhile would undo it.
    if (link.closed) backlog.remove(subject);
    const reply = await link.send(command);
    if (reply === unavailable) backlog.add(subject, later);
    return reply;
  }

  readonly #answer = (): void => {
    const asked = this.#asked;
    this.#asked = [];
    if (asked.length === 1) return void this.#readOne(asked[0]);
    for (let i = 0; i < asked.length; i += BATCH) {
      this.#read(asked.slice(i, i + BATCH));
    }
  };

  /** Most reads are alone, and pay nothing for those that aren't. */
  async #readOne({ key, resolve }: Asked): Promise<void> {
    const { link, codec, keys } = this.#options;
    const command = ["GET", keys.entry(key)];
    const entry = this.#decode(await link.send(command, codec.bytes));
    if (entry?.marks?.t === undefined) return resolve(entry);
    const isValid = await this.#validity([entry]);
    resolve(isValid(entry) ? entry : undefined);
  }

  async #read(asked: readonly Asked[]): Promise<void> {
    const { link, codec, keys } = this.#options;
    const names = asked.map(({ key }) => keys.entry(key));
    const replies = await link.send(["MGET", ...names], codec.bytes);
    if (!Array.isArray(replies)) {
      return asked.forEach(({ resolve }) => resolve(undefined));
    }
    const found = replies.map((reply) => this.#decode(reply));
    const isValid = await this.#validity(found);
    found.forEach((entry, i) =>
      asked[i].resolve(entry && isValid(entry) ? entry : undefined)
    );
  }

  #decode(reply: unknown): FoundEntry | undefined {
    if (reply === null || reply === unavailable) return undefined;
    const { codec, wallClock } = this.#options;
    const decoded = codec.decode(reply);
    if (decoded === undefined) return undefined;
    const { value, marks } = decoded;
    const stale = marks?.f !== undefined && wallClock() >= marks.f;
    return { value, stale, marks };
  }

  /** Finds out which tags have been invalidated since the entries were made. */
  async #validity(
    found: readonly (FoundEntry | undefined)[],
  ): Promise<(entry: FoundEntry) => boolean> {
    const { link, keys } = this.#options;
    if (found.every((entry) => entry?.marks?.t === undefined)) return always;
    const tags = [
      ...new Set(found.flatMap((entry) => Object.keys(entry?.marks?.t ?? {}))),
    ];
    const reply = await link.send(["MGET", ...keys.tags(tags)]);
    const current = new Map(
      Array.isArray(reply) ? reply.map((version, i) => [tags[i], version]) : [],
    );
    return ({ marks }) =>
      Object.entries(marks?.t ?? {}).every(([tag, version]) =>
        current.get(tag) === version
      );
  }

  #setCommand(key: string, draft: EntryDraft): RedisArgument[] {
    const { keys } = this.#options;
    return scripts.evalScript(scripts.SET, [keys.entry(key)], [
      this.stored(draft, [], []),
      draft.ttlMs,
      keys.channel,
      this.change("k", key),
    ]);
  }

  #setTaggedCommand(
    key: string,
    draft: EntryDraft,
    tags: readonly string[],
  ): RedisArgument[] {
    const { keys } = this.#options;
    return scripts.evalScript(
      scripts.SET_TAGGED,
      [keys.entry(key), ...keys.tags(tags)],
      [
        draft.payload,
        draft.ttlMs,
        keys.channel,
        this.change("k", key),
        String(draft.freshUntil ?? ""),
        newVersion(),
        ...tags.map((tag) => JSON.stringify(tag)),
      ],
    );
  }

  #deleteCommand(key: string): RedisArgument[] {
    const { keys } = this.#options;
    return scripts.evalScript(
      scripts.DELETE,
      [keys.entry(key), keys.lock(key)],
      [
        keys.channel,
        this.change("k", key),
      ],
    );
  }
}

function always(): boolean {
  return true;
}

/** Never the same twice. */
export function newVersion(): string {
  return crypto.randomUUID();
}
