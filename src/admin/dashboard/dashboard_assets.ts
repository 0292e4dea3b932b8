/** A file of the page, as it is served. */
export interface DashboardAsset {
  /** Its media type. */
  readonly type: string;
  /** Its text. */
  readonly text: string;
  /** Names this very text. */
  readonly etag: string;
}

interface TextModule {
  readonly default: string;
}

/** The media types of the page's files, by the end of their names. */
const TYPES: Readonly<Record<string, string>> = {
  "": "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * Loads the page's files, by path. They are imported as text, and only once
 * somebody asks for them: dynamic imports of text are what all of a package
 * registry, `deno run` without permission to read, and `deno compile` can take
 * along.
 */
const LOADERS: Readonly<Record<string, () => Promise<TextModule>>> = {
  "": () => import("./page/dashboard.html", { with: { type: "text" } }),
  "/dashboard.css": () =>
    import("./page/dashboard.css", { with: { type: "text" } }),
  "/theme.css": () => import("./page/theme.css", { with: { type: "text" } }),
  "/tables.css": () => import("./page/tables.css", { with: { type: "text" } }),
  "/charts.css": () => import("./page/charts.css", { with: { type: "text" } }),
  "/dashboard.js": () =>
    import("./page/dashboard.js", { with: { type: "text" } }),
  "/blocks.js": () => import("./page/blocks.js", { with: { type: "text" } }),
  "/call_table.js": () =>
    import("./page/call_table.js", { with: { type: "text" } }),
  "/charts.js": () => import("./page/charts.js", { with: { type: "text" } }),
  "/connection.js": () =>
    import("./page/connection.js", { with: { type: "text" } }),
  "/elements.js": () =>
    import("./page/elements.js", { with: { type: "text" } }),
  "/format.js": () => import("./page/format.js", { with: { type: "text" } }),
  "/name_filter.js": () =>
    import("./page/name_filter.js", { with: { type: "text" } }),
  "/own_metrics.js": () =>
    import("./page/own_metrics.js", { with: { type: "text" } }),
  "/overview.js": () =>
    import("./page/overview.js", { with: { type: "text" } }),
  "/thing_parts.js": () =>
    import("./page/thing_parts.js", { with: { type: "text" } }),
  "/things.js": () => import("./page/things.js", { with: { type: "text" } }),
  "/trouble.js": () => import("./page/trouble.js", { with: { type: "text" } }),
  "/icon.svg": () => import("./page/icon.svg", { with: { type: "text" } }),
  "/uplot.js": () =>
    import("uplot/dist/uPlot.iife.min.js", { with: { type: "text" } }),
  "/uplot.css": () =>
    import("uplot/dist/uPlot.min.css", { with: { type: "text" } }),
};

/** The page's files, loaded when they are asked for and kept from then on. */
export class DashboardAssets {
  readonly #loaded: Map<string, Promise<DashboardAsset>> = new Map();

  /**
   * The file at a path below the page's own, which is `""`; `undefined` if there
   * is none.
   */
  get(path: string): Promise<DashboardAsset> | undefined {
    const loader = LOADERS[path];
    if (loader === undefined) return undefined;
    const known = this.#loaded.get(path);
    if (known !== undefined) return known;
    const loading = load(path, loader);
    this.#loaded.set(path, loading);
    loading.catch(() => this.#loaded.delete(path));
    return loading;
  }
}

async function load(
  path: string,
  loader: () => Promise<TextModule>,
): Promise<DashboardAsset> {
  const { default: text } = await loader();
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text),
  );
  const etag = `"${new Uint8Array(digest).toHex().slice(0, 32)}"`;
  return { type: TYPES[path.split(".")[1] ?? ""], text, etag };
}
