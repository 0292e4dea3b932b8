import {
  option,
  type OptionRule,
  type OptionRules,
  type ReadOptions,
  readOptions,
} from "../../base/option_rules.ts";
import type { CacheHint } from "../../protocol/types.ts";

/** Nothing said means stale at once and private. */
const HINT_OPTIONS = {
  ttlMs: option.integer(0, 0),
  cacheScope: option.word("private", ["public", "private"]),
} satisfies OptionRules<CacheHint>;

/** The hint in full. @throws {InvalidOptionError} naming where it is, and the option */
export const readCacheHint: OptionRule<Required<CacheHint>> = (
  where,
  given = {},
) => readOptions(where, given as object, HINT_OPTIONS, `${where}: `);

/** The results that a server gives hints for, by method. */
export type CacheHints = Partial<
  Record<
    | "server/discover"
    | "tools/list"
    | "prompts/list"
    | "resources/list"
    | "resources/templates/list"
    | "resources/read"
    | "resources/directory/read"
    | "skills/list"
    | "skills/get",
    CacheHint
  >
>;

const CACHE_HINTS = {
  "server/discover": readCacheHint,
  "tools/list": readCacheHint,
  "prompts/list": readCacheHint,
  "resources/list": readCacheHint,
  "resources/templates/list": readCacheHint,
  "resources/read": readCacheHint,
  "resources/directory/read": readCacheHint,
  "skills/list": readCacheHint,
  "skills/get": readCacheHint,
} satisfies OptionRules<CacheHints>;

/** The hints of all methods, in full. */
export type FullCacheHints = ReadOptions<typeof CACHE_HINTS>;

/** @throws {InvalidOptionError} naming the method and the option */
export function readCacheHints(
  name: string,
  given: unknown = {},
): FullCacheHints {
  return readOptions(name, given as object, CACHE_HINTS, `${name}: `);
}
