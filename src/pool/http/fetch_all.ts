import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";
import { mapConcurrent } from "../../limit/map_concurrent.ts";
import type { HttpRequestOptions } from "./http_pool_options.ts";

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
  { concurrency = 10, as = "json", ...options }: HttpFetchAllOptions,
): Promise<HttpOutcome<T>[]> {
  const get = getterOf(pool, as);
  return await mapConcurrent(urls, (each) => {
    const url = String(each);
    return toOutcome(url, get(url, options) as Promise<T>);
  }, { concurrency });
}

function getterOf(pool: HttpGetters, as: "json" | "text" | "bytes"): Get {
  if (as === "json") return (...args) => pool.getJson(...args);
  if (as === "text") return (...args) => pool.getText(...args);
  if (as === "bytes") return (...args) => pool.getBytes(...args);
  throw new InvalidOptionError(
    `as must be "json", "text" or "bytes", got ${quote(as)}`,
  );
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
