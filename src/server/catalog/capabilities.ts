import type { JsonObject } from "../../protocol/jsonrpc.ts";
import {
  type Era,
  metaKey,
  SUPPORTED_REVISIONS,
} from "../../protocol/revision.ts";
import type {
  CacheHint,
  CapabilitySettings,
  Implementation,
  ServerCapabilities,
} from "../../protocol/types.ts";
import type { Extension } from "../extension.ts";
import { checkCacheHint } from "./cache_hint.ts";
import type { Catalog } from "./catalog.ts";
import type { ListKind } from "./catalog_options.ts";

/** What a server's author says of it. */
export interface Declaration {
  readonly info: Implementation;
  readonly instructions?: string;
  /** What is declared beside what follows from the registrations. */
  readonly capabilities?: ServerCapabilities;
  /** Whether results name the server. */
  readonly identifyInResults: boolean;
  /** How long clients may keep what discovery says. */
  readonly discoveryHint: CacheHint | undefined;
}

/** What a server says that it can do. */
export class Capabilities {
  readonly #declaration: Declaration;
  readonly #catalog: Catalog;
  readonly #extensions: readonly Extension[];
  readonly #offered: Set<ListKind> = new Set();
  #declared: ServerCapabilities;

  constructor(
    declaration: Declaration,
    catalog: Catalog,
    extensions: readonly Extension[],
  ) {
    this.#declaration = declaration;
    this.#declared = declaration.capabilities ?? {};
    this.#catalog = catalog;
    this.#extensions = extensions;
  }

  /** Declares more, in place of what was declared of the same. */
  declare(capabilities: ServerCapabilities): void {
    this.#declared = { ...this.#declared, ...capabilities };
  }

  /** Whether the server has, or says it has, something of a kind. */
  offers(kind: ListKind): boolean {
    // What clients were once told of stays there, even when the last one goes.
    if (this.#catalog[kind].size > 0) this.#offered.add(kind);
    return this.#offered.has(kind) || this.#declared[kind] !== undefined;
  }

  /**
   * What `initialize` says that the server can do.
   * @param hasSession whether what the client asks for can be kept for it
   */
  legacy(hasSession: boolean): ServerCapabilities {
    const all = this.#of("legacy");
    return hasSession ? all : withoutSession(all);
  }

  #of(era: Era): ServerCapabilities {
    const declared = this.#declared;
    const lists: Record<string, unknown> = {};
    for (const kind of ["tools", "prompts", "resources"] as const) {
      if (!this.offers(kind)) continue;
      lists[kind] = {
        listChanged: true,
        ...(kind === "resources" && { subscribe: true }),
        ...declared[kind],
      };
    }
    const extensions = this.#extensionsOf(era);
    return {
      logging: {},
      ...(this.#catalog.completes && { completions: {} }),
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

  #extensionsOf(era: Era): [string, CapabilitySettings][] {
    return this.#extensions
      .filter(({ active = true, eras }) =>
        active && eras?.includes(era) !== false
      )
      .map(({ id, settings = {} }) => [id, settings]);
  }

  /** The result of `server/discover`. */
  discovery(): JsonObject {
    const { info, instructions, identifyInResults, discoveryHint } =
      this.#declaration;
    return {
      supportedVersions: SUPPORTED_REVISIONS,
      capabilities: this.#of("modern"),
      ...(instructions !== undefined && { instructions }),
      ...checkCacheHint(discoveryHint, "cacheHints: server/discover"),
      _meta: identifyInResults ? { [metaKey.serverInfo]: info } : {},
    };
  }
}

/** What can be done without knowing a client from one request to the next. */
function withoutSession(
  { logging: _, ...all }: ServerCapabilities,
): ServerCapabilities {
  const kept: Record<string, unknown> = { ...all };
  for (const kind of ["tools", "prompts", "resources"] as const) {
    if (kept[kind] === undefined) continue;
    const { listChanged: _, subscribe: __, ...rest } = kept[kind] as Record<
      string,
      unknown
    >;
    kept[kind] = rest;
  }
  return kept;
}
