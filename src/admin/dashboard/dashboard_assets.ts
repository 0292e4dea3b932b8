/** A file of the page, as it is served. */
export interface DashboardAsset {
  /** Its media type. */
  readonly type: string;
  /** Its text. */
  readonly text: string;
  /** Names this very text. */
  readonly etag: string;
}

interface Source {
  readonly type: string;
  load(): Promise<{ readonly default: string }>;
}

const CSS = "text/css; charset=utf-8";
const HTML = "text/html; charset=utf-8";
const JS = "text/javascript; charset=utf-8";
const SVG = "image/svg+xml";

/**
 * The page's files by path. They are imported as text, and only once somebody
 * asks for them: dynamic imports of text are what all of a package registry,
 * `deno run` without permission to read, and `deno compile` can take along.
 */
const SOURCES: ReadonlyMap<string, Source> = new Map<string, Source>([
  ["", {
    type: HTML,
    load: () => import("./page/dashboard.html", { with: { type: "text" } }),
  }],
  ["/dashboard.css", {
    type: CSS,
    load: () => import("./page/dashboard.css", { with: { type: "text" } }),
  }],
  ["/theme.css", {
    type: CSS,
    load: () => import("./page/theme.css", { with: { type: "text" } }),
  }],
  ["/tables.css", {
    type: CSS,
    load: () => import("./page/tables.css", { with: { type: "text" } }),
  }],
  ["/charts.css", {
    type: CSS,
    load: () => import("./page/charts.css", { with: { type: "text" } }),
  }],
  ["/dashboard.js", {
    type: JS,
    load: () => import("./page/dashboard.js", { with: { type: "text" } }),
  }],
  ["/blocks.js", {
    type: JS,
    load: () => import("./page/blocks.js", { with: { type: "text" } }),
  }],
  ["/call_table.js", {
    type: JS,
    load: () => import("./page/call_table.js", { with: { type: "text" } }),
  }],
  ["/charts.js", {
    type: JS,
    load: () => import("./page/charts.js", { with: { type: "text" } }),
  }],
  ["/connection.js", {
    type: JS,
    load: () => import("./page/connection.js", { with: { type: "text" } }),
  }],
  ["/elements.js", {
    type: JS,
    load: () => import("./page/elements.js", { with: { type: "text" } }),
  }],
  ["/format.js", {
    type: JS,
    load: () => import("./page/format.js", { with: { type: "text" } }),
  }],
  ["/instrument_kinds.js", {
    type: JS,
    load: () =>
      import("./page/instrument_kinds.js", { with: { type: "text" } }),
  }],
  ["/instruments.js", {
    type: JS,
    load: () => import("./page/instruments.js", { with: { type: "text" } }),
  }],
  ["/name_filter.js", {
    type: JS,
    load: () => import("./page/name_filter.js", { with: { type: "text" } }),
  }],
  ["/own_metrics.js", {
    type: JS,
    load: () => import("./page/own_metrics.js", { with: { type: "text" } }),
  }],
  ["/overview.js", {
    type: JS,
    load: () => import("./page/overview.js", { with: { type: "text" } }),
  }],
  ["/icon.svg", {
    type: SVG,
    load: () => import("./page/icon.svg", { with: { type: "text" } }),
  }],
  ["/uplot.js", {
    type: JS,
    load: () =>
      import("uplot/dist/uPlot.iife.min.js", { with: { type: "text" } }),
  }],
  ["/uplot.css", {
    type: CSS,
    load: () => import("uplot/dist/uPlot.min.css", { with: { type: "text" } }),
  }],
]);

/** The page's files, loaded when they are asked for and kept from then on. */
export class DashboardAssets {
  readonly #loaded: Map<string, Promise<DashboardAsset>> = new Map();

  /**
   * The file at a path below the page's own, which is `""`; `undefined` if there
   * is none.
   */
  get(path: string): Promise<DashboardAsset> | undefined {
    const source = SOURCES.get(path);
    if (source === undefined) return undefined;
    const known = this.#loaded.get(path);
    if (known !== undefined) return known;
    const loading = load(source);
    this.#loaded.set(path, loading);
    loading.catch(() => this.#loaded.delete(path));
    return loading;
  }
}

async function load({ type, load }: Source): Promise<DashboardAsset> {
  const { default: text } = await load();
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text),
  );
  const etag = `"${new Uint8Array(digest).toHex().slice(0, 32)}"`;
  return { type, text, etag };
}
