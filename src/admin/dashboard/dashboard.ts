import { type Clock, systemClock } from "../../base/clock.ts";
import { checkInteger } from "../../base/options.ts";
import { type DashboardAsset, DashboardAssets } from "./dashboard_assets.ts";
import { DashboardFeed } from "./dashboard_feed.ts";
import type { DashboardSources } from "./dashboard_feed.ts";

/** The options of a {@linkcode Dashboard}. */
export interface DashboardOptions {
  /**
   * The most viewers at a time; the next one is told to come again.
   * @default 20
   */
  maxViewers?: number;
  /**
   * The source of the time.
   * @default the runtime's clock
   */
  clock?: Clock;
}

/** The path of the page; its files and its stream are below. */
const PATH = "/dashboard";

/** Nothing but the page's own files, and no HTML made of text. */
const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; " +
    "img-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; " +
    "require-trusted-types-for 'script'; trusted-types 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** The wait for who finds no place, in seconds. */
const RETRY_AFTER = "5";

/**
 * The live page at `/dashboard`. It asks nobody but its own server, refers to
 * what it needs relatively, so that it may lie behind any prefix, and costs one
 * reading of the figures per second, however many look.
 */
export class Dashboard {
  readonly #assets: DashboardAssets = new DashboardAssets();
  readonly #feed: DashboardFeed;
  readonly #maxViewers: number;
  #closed = false;

  /**
   * Shows nothing and reads nothing until {@linkcode start}, or until somebody looks.
   *
   * @throws {InvalidOptionError} if an option is out of range
   */
  constructor(
    sources: DashboardSources,
    { maxViewers = 20, clock = systemClock }: DashboardOptions = {},
  ) {
    this.#maxViewers = checkInteger("dashboard.maxViewers", maxViewers, 1);
    this.#feed = new DashboardFeed(sources, clock);
  }

  /** The number of open pages. */
  get viewers(): number {
    return this.#feed.size;
  }

  /**
   * Begins to remember what the charts show. A server does this when it begins
   * to listen; otherwise the first viewer brings it about.
   */
  start(): void {
    if (!this.#closed) this.#feed.start();
  }

  /** Answers a request for the page or what is below it; `undefined` for others. */
  handle(request: Request): Promise<Response> | Response | undefined {
    const { pathname } = new URL(request.url);
    if (pathname !== PATH && !pathname.startsWith(`${PATH}/`)) return undefined;
    if (request.method !== "GET" && request.method !== "HEAD") {
      return plain(405, "method not allowed", { allow: "GET, HEAD" });
    }
    const below = pathname.slice(PATH.length);
    if (below === "/") return redirect("../dashboard");
    if (below === "/events") return this.#events(request);
    const asset = this.#assets.get(below);
    return asset === undefined
      ? plain(404, "not found")
      : asset.then((asset) => serve(asset, request));
  }

  #events({ method }: Request): Response {
    if (this.#closed || this.#feed.size >= this.#maxViewers) {
      const why = this.#closed ? "shutting down" : "too many viewers";
      return plain(503, why, { "retry-after": RETRY_AFTER });
    }
    return new Response(method === "HEAD" ? null : this.#feed.view().body, {
      headers: {
        ...HEADERS,
        "content-type": "text/event-stream",
        "cache-control": "no-store, no-transform",
        "x-accel-buffering": "no",
      },
    });
  }

  /** Ends all streams, so that a server which shuts down need not wait for them. */
  close(): void {
    this.#closed = true;
    this.#feed.stop();
  }

  /** As {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

/** A file; whoever has it already is told so. */
function serve(
  { type, text, etag }: DashboardAsset,
  request: Request,
): Response {
  const headers = { ...HEADERS, "cache-control": "no-cache", etag };
  if (isNamed(etag, request.headers.get("if-none-match"))) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(request.method === "HEAD" ? null : text, {
    headers: { ...headers, "content-type": type },
  });
}

/** Looks for an etag in a list; proxies that compress make them weak. */
function isNamed(etag: string, list: string | null): boolean {
  return list?.split(",").some((named) =>
    named.trim().replace(/^W\//, "") === etag
  ) ?? false;
}

function redirect(location: string): Response {
  return new Response(null, { status: 308, headers: { ...HEADERS, location } });
}

function plain(
  status: number,
  text: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(text, {
    status,
    headers: {
      ...HEADERS,
      "cache-control": "no-store",
      "content-type": "text/plain; charset=utf-8",
      ...headers,
    },
  });
}
