import {
  checkGiven,
  option,
  type OptionRules,
} from "../../base/option_rules.ts";
import { mapConcurrent } from "../../limit/map_concurrent.ts";
import {
  type HttpRequestOptions,
  REQUEST_OPTIONS,
} from "./http_pool_options.ts";

/** The way in which {@linkcode HttpPool.fetchAll} goes about its URLs. */
export interface HttpFetchAllOptions extends HttpRequestOptions {
  /**
   * The number of URLs fetched at once.
   * @default 10
   */
  concurrency?: number;
  /**
   * The form in which each body is given.
   * @default "json"
   */
  as?: "json" | "text" | "bytes";
}

const FETCH_ALL_OPTIONS = {
  ...REQUEST_OPTIONS,
  concurrency: option.limit(10, 1),
  as: option.word("json", ["json", "text", "bytes"]),
} satisfies OptionRules<HttpFetchAllOptions>;

/** The end that the request of one URL came to. */
export type HttpOutcome<T = unknown> =
  | { url: string; status: "success"; data: T }
  | { url: string; status: "error"; error: Error };

type Get = (url: string, options: HttpRequestOptions) => Promise<unknown>;

/** The part of an HttpPool that {@linkcode fetchAll} needs. */
export interface HttpGetters {
  getJson: Get;
  getText: Get;
  getBytes: Get;
}

/** Fetches many URLs, so many at a time; one outcome for each, in their order. */
export async function fetchAll<T>(
  pool: HttpGetters,
  urls: Iterable<string | URL>,
  options: HttpFetchAllOptions,
): Promise<HttpOutcome<T>[]> {
  checkGiven("fetchAll", options, FETCH_ALL_OPTIONS);
  const { concurrency = 10, as = "json", ...request } = options;
  const get = getterOf(pool, as);
  return await mapConcurrent(urls, (each) => {
    const url = String(each);
    return toOutcome(url, get(url, request) as Promise<T>);
  }, { concurrency });
}

function getterOf(pool: HttpGetters, as: "json" | "text" | "bytes"): Get {
  if (as === "json") return (...args) => pool.getJson(...args);
  if (as === "text") return (...args) => pool.getText(...args);
  return (...args) => pool.getBytes(...args);
}

/** Turns the end of a request, whichever it is, into its outcome. */
async function toOutcome<T>(
  url: string,
  request: Promise<T>,
): Promise<HttpOutcome<T>> {
  try {
    return { url, status: "success", data: await request };
  } catch (reason) {
    const error = reason instanceof Error
      ? reason
      : new Error(String(reason), { cause: reason });
    return { url, status: "error", error };
  }
}
