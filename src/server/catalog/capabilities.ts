import type { JsonObject } from "../../protocol/jsonrpc.ts";
import {
  metaKey,
  SUPPORTED_REVISIONS,
  TASKS_EXTENSION,
} from "../../protocol/revision.ts";
import type {
  Implementation,
  ServerCapabilities,
} from "../../protocol/types.ts";
import { checkCacheHint } from "./cache_hint.ts";
import type { Extension } from "../extension.ts";
import type { ListKind, Registry } from "./catalog.ts";
import type { ResolvedOptions } from "../../host/server_options.ts";

/** What a server says that it can do. */
export class Capabilities {
  readonly #info: Implementation;
  readonly #options: ResolvedOptions;
  readonly #registry: Registry;
  readonly #extensions: readonly Extension[];
  readonly #offered: Set<ListKind> = new Set();

  constructor(
    info: Implementation,
    options: ResolvedOptions,
    registry: Registry,
    extensions: readonly Extension[],
  ) {
    this.#info = info;
    this.#options = options;
    this.#registry = registry;
    this.#extensions = extensions;
  }

  /** Whether the server has, or says it has, something of a kind. */
  offers(kind: ListKind): boolean {
    // What clients were once told of stays there, even when the last one goes.
    if (this.#registry[kind].size > 0) this.#offered.add(kind);
    return this.#offered.has(kind) ||
      this.#options.capabilities?.[kind] !== undefined;
  }

  /** What `initialize` says that the server can do. */
  legacy(): ServerCapabilities {
    const declared = this.#options.capabilities ?? {};
    const lists: Record<string, unknown> = {};
    for (const kind of ["tools", "prompts", "resources"] as const) {
      if (!this.offers(kind)) continue;
      lists[kind] = {
        listChanged: true,
        ...(kind === "resources" && { subscribe: true }),
        ...declared[kind],
      };
    }
    const extensions = this.#extensions.filter(({ active }) => active)
      .map(({ id, settings }) => [id, settings]);
    return {
      logging: {},
      ...(this.#registry.completes && { completions: {} }),
      ...declared,
      ...lists,
      ...(extensions.length > 0 && {
        extensions: {
          ...Object.fromEntries(extensions),
          ...declared.extensions,
        },
      }),
    };
  }

  /** The result of `server/discover`. */
  discovery(): JsonObject {
    const capabilities = this.legacy();
    const { instructions, cacheHints, identifyInResults } = this.#options;
    return {
      supportedVersions: SUPPORTED_REVISIONS,
      capabilities: {
        ...capabilities,
        extensions: { [TASKS_EXTENSION]: {}, ...capabilities.extensions },
      },
      ...(instructions !== undefined && { instructions }),
      ...checkCacheHint(
        cacheHints?.["server/discover"],
        "cacheHints: server/discover",
      ),
      _meta: identifyInResults ? { [metaKey.serverInfo]: this.#info } : {},
    };
  }
}
