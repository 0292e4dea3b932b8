import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import type { CacheHint } from "../../protocol/types.ts";
import { ReadyJson } from "../eras/ready_json.ts";

/** One line of a list, ready to be sent to either era. */
export interface ListingEntry {
  /** What a cursor names: unique in its list. */
  key: string;
  modern: string;
  legacy: string;
}

/** What the pages of a list have in common. */
export interface PageOptions {
  /** The field that the entries are in. */
  readonly field: string;
  readonly pageSize: number;
  readonly hint: Required<CacheHint>;
}

/** How a list is kept. */
export interface ListingOptions extends PageOptions {
  /** Makes the list anew; called once per change at most. */
  entries(): ListingEntry[];
}

/**
 * A list (`tools/list` and its like) in pages that are kept as ready JSON until
 * the list changes. A cursor names the last entry of its page, so that any
 * replica with the same registrations goes on from there.
 */
export class Listing {
  readonly #options: ListingOptions;
  #pages: Map<number, ReadyJson> = new Map();
  #current: ListingEntry[] | undefined;

  constructor(options: ListingOptions) {
    this.#options = options;
  }

  /** Forgets everything; the next page is made from the registrations. */
  invalidate(): void {
    this.#pages = new Map();
    this.#current = undefined;
  }

  /** @throws {InvalidParamsError} for a cursor that names no entry */
  page(cursor: unknown): ReadyJson {
    const entries = this.#current ??= this.#options.entries();
    const start = cursor === undefined ? 0 : startAfter(entries, cursor);
    let page = this.#pages.get(start);
    if (page === undefined) {
      page = makePage(this.#options, entries, start);
      this.#pages.set(start, page);
    }
    return page;
  }
}

/** One page of a list that is made anew for each request. */
export function pageOf(
  options: PageOptions,
  entries: ListingEntry[],
  cursor: unknown,
): ReadyJson {
  const start = cursor === undefined ? 0 : startAfter(entries, cursor);
  return makePage(options, entries, start);
}

function makePage(
  { field, pageSize, hint: { ttlMs, cacheScope } }: PageOptions,
  entries: ListingEntry[],
  start: number,
): ReadyJson {
  const end = Math.min(start + pageSize, entries.length);
  const shown = entries.slice(start, end);
  const next = end < entries.length
    ? `,"nextCursor":"${encodeCursor(end - 1, entries[end - 1].key)}"`
    : "";
  const body = (era: "modern" | "legacy") =>
    `{"${field}":[${shown.map((entry) => entry[era]).join(",")}]${next}`;
  return new ReadyJson(
    `${body("modern")},"ttlMs":${ttlMs},"cacheScope":"${cacheScope}"`,
    body("legacy"),
  );
}

function startAfter(entries: ListingEntry[], cursor: unknown): number {
  const refuse = () =>
    new InvalidParamsError(
      "Invalid params: cursor is not one of this list: start over without it",
    );
  if (typeof cursor !== "string") throw refuse();
  const { index, key } = decodeCursor(cursor) ?? {};
  if (key === undefined || index === undefined) throw refuse();
  const found = entries[index]?.key === key
    ? index
    : entries.findIndex((entry) => entry.key === key);
  if (found < 0) throw refuse();
  return found + 1;
}

function encodeCursor(index: number, key: string): string {
  const bytes = new TextEncoder().encode(`${index} ${key}`);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-")
    .replaceAll("/", "_").replaceAll("=", "");
}

function decodeCursor(
  cursor: string,
): { index: number; key: string } | undefined {
  try {
    const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder().decode(
      Uint8Array.from(binary, (c) => c.charCodeAt(0)),
    );
    const match = /^(\d+) (.*)$/s.exec(text);
    return match === null
      ? undefined
      : { index: Number(match[1]), key: match[2] };
  } catch {
    return undefined;
  }
}
