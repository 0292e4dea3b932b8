import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import type { CacheHint } from "../../protocol/types.ts";
import { shows } from "../calls/access_check.ts";
import type { Call } from "../calls/call.ts";
import { ReadyJson } from "../eras/ready_json.ts";
import type { Guard } from "../identity/guard.ts";

/** One line of a list, ready to be sent to either era. */
export interface ListingEntry {
  /** Key that a cursor names: unique in its list. */
  key: string;
  modern: string;
  legacy: string;
  /** Guard that keeps it out of some callers' lists, if it isn't for all. */
  access?: { readonly guard: Guard; readonly scopes: readonly string[] };
}

/** Options that the pages of a list have in common. */
export interface PageOptions {
  /** The field that the entries are in. */
  readonly field: string;
  readonly pageSize: number;
  readonly hint: Required<CacheHint>;
}

/** Settings for keeping a list. */
export interface ListingOptions extends PageOptions {
  /** Makes the list anew; called once per change at most. */
  entries(): ListingEntry[];
}

/**
 * A list (`tools/list` and its like) in pages that are kept as ready JSON until
 * the list changes. A cursor names the last entry of its page and whose it is, so
 * that any replica with the same registrations goes on from there. A list that
 * differs from caller to caller is made anew for each.
 */
export class Listing {
  readonly #options: ListingOptions;
  #pages: Map<number, ReadyJson> = new Map();
  #current: ListingEntry[] | undefined;
  #isShared = true;

  constructor(options: ListingOptions) {
    this.#options = options;
  }

  /** Forgets everything; the next page is made from the registrations. */
  invalidate(): void {
    this.#pages = new Map();
    this.#current = undefined;
  }

  /** @throws {InvalidParamsError} for a cursor that names no entry */
  pageFor(cursor: unknown, call: Call): ReadyJson | Promise<ReadyJson> {
    const entries = this.#current ??= this.#read();
    return !this.#isShared || (this.#isPaged && call.caller !== "")
      ? pageFor(this.#options, entries, cursor, call)
      : this.page(cursor);
  }

  /**
   * A page that is the same for every caller.
   *
   * @throws {InvalidParamsError} for a cursor that names no entry
   */
  page(cursor: unknown): ReadyJson {
    const entries = this.#current ??= this.#read();
    const start = cursor === undefined ? 0 : startAfter(entries, cursor, "");
    let page = this.#pages.get(start);
    if (page === undefined) {
      page = makePage(this.#options, entries, start, "");
      this.#pages.set(start, page);
    }
    return page;
  }

  #read(): ListingEntry[] {
    const entries = this.#options.entries();
    this.#isShared = entries.every(({ access }) => access === undefined);
    return entries;
  }

  get #isPaged(): boolean {
    return this.#current!.length > this.#options.pageSize;
  }
}

/** One page of a list that is made anew for each request. */
export function pageOf(
  options: PageOptions,
  entries: readonly ListingEntry[],
  cursor: unknown,
): ReadyJson {
  const start = cursor === undefined ? 0 : startAfter(entries, cursor, "");
  return makePage(options, entries, start, "");
}

/** Likewise, with what the caller may see, and a cursor of the caller's own. */
export async function pageFor(
  options: PageOptions,
  entries: readonly ListingEntry[],
  cursor: unknown,
  call: Call,
): Promise<ReadyJson> {
  const shown = await Promise.all(
    entries.map(({ access }) =>
      access === undefined || shows(call, access.guard, access.scopes)
    ),
  );
  const isShared = entries.every(({ access }) => access === undefined);
  const visible = entries.filter((_, index) => shown[index]);
  const { caller } = call;
  const start = cursor === undefined ? 0 : startAfter(visible, cursor, caller);
  const hint: PageOptions["hint"] = isShared
    ? options.hint
    : { ...options.hint, cacheScope: "private" };
  return makePage({ ...options, hint }, visible, start, caller);
}

function makePage(
  { field, pageSize, hint: { ttlMs, cacheScope } }: PageOptions,
  entries: readonly ListingEntry[],
  start: number,
  caller: string,
): ReadyJson {
  const end = Math.min(start + pageSize, entries.length);
  const shown = entries.slice(start, end);
  const next = end < entries.length
    ? `,"nextCursor":"${encodeCursor(end - 1, entries[end - 1].key, caller)}"`
    : "";
  const body = (era: "modern" | "legacy") =>
    `{"${field}":[${shown.map((entry) => entry[era]).join(",")}]${next}`;
  return new ReadyJson(
    `${body("modern")},"ttlMs":${ttlMs},"cacheScope":"${cacheScope}"`,
    body("legacy"),
  );
}

/** Longer than any cursor given out: what names no entry is not decoded. */
const MAX_CURSOR_LENGTH = 65_536;

function startAfter(
  entries: readonly ListingEntry[],
  cursor: unknown,
  caller: string,
): number {
  const refuse = () =>
    new InvalidParamsError(
      "Invalid params: cursor is not one of this list: start over without it",
    );
  if (typeof cursor !== "string" || cursor.length > MAX_CURSOR_LENGTH) {
    throw refuse();
  }
  const { index, key, tag } = decodeCursor(cursor) ?? {};
  if (key === undefined || index === undefined) throw refuse();
  if (tag !== ownerTag(caller)) throw refuse();
  const found = entries[index]?.key === key
    ? index
    : entries.findIndex((entry) => entry.key === key);
  if (found < 0) throw refuse();
  return found + 1;
}

/** Tells whose a cursor is: it is no secret, and guards none. */
function ownerTag(caller: string): string {
  if (caller === "") return "";
  let hash = 0x811c9dc5; // FNV-1a
  for (let at = 0; at < caller.length; at++) {
    hash = Math.imul(hash ^ caller.charCodeAt(at), 0x01000193);
  }
  return `@${(hash >>> 0).toString(36)}`;
}

function encodeCursor(index: number, key: string, caller: string): string {
  const bytes = new TextEncoder().encode(`${index}${ownerTag(caller)} ${key}`);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-")
    .replaceAll("/", "_").replaceAll("=", "");
}

function decodeCursor(
  cursor: string,
): { index: number; key: string; tag: string } | undefined {
  try {
    const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder().decode(
      Uint8Array.from(binary, (c) => c.charCodeAt(0)),
    );
    const match = /^(\d+)(@\w+)? (.*)$/s.exec(text);
    return match === null
      ? undefined
      : { index: Number(match[1]), tag: match[2] ?? "", key: match[3] };
  } catch {
    return undefined;
  }
}
