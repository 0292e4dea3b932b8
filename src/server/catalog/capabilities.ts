import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { type Era, metaKey, TASKS_EXTENSION } from "../../protocol/revision.ts";
import type {
  CacheHint,
  CapabilitySettings,
  Implementation,
  ServerCapabilities,
} from "../../protocol/types.ts";
import type { Extension } from "../extension.ts";
import type { Catalog } from "./catalog.ts";
import type { ListKind } from "./catalog_options.ts";

/** Declaration of a server by its author. */
export interface Declaration {
  readonly info: Implementation;
  readonly instructions?: string;
  /** Capabilities beside, or in place of, those that registrations imply. */
  readonly capabilities?: DeclaredCapabilities;
  /** The revisions that are spoken, in the order of preference. */
  readonly revisions: readonly string[];
  /** True if results name the server. */
  readonly identifyInResults: boolean;
  /** Time that clients may keep what discovery says. */
  readonly discoveryHint: Required<CacheHint>;
}

/** Capabilities that a server may declare: `false` for those not to offer. */
export type DeclaredCapabilities =
  & Omit<ServerCapabilities, "logging" | "completions" | "tasks">
  & {
    /** It sends log messages; left out among others, it doesn't. */
    logging?: ServerCapabilities["logging"] | false;
    /** It completes arguments. */
    completions?: ServerCapabilities["completions"] | false;
    /** Tasks as revision 2025-11-25 had them; `false` for no tasks of any kind. */
    tasks?: ServerCapabilities["tasks"] | false;
  };

/** Capabilities that a server says it has. */
export class Capabilities {
  readonly #declaration: Declaration;
  readonly #catalog: Catalog;
  readonly #extensions: readonly Extension[];
  readonly #offered: Set<ListKind> = new Set();
  readonly #answers: (method: string) => boolean;
  #declared: DeclaredCapabilities;

  /** @param answers whether the author answers a method */
  constructor(
    declaration: Declaration,
    catalog: Catalog,
    extensions: readonly Extension[],
    answers: (method: string) => boolean,
  ) {
    this.#declaration = declaration;
    // Who declares nothing is taken to want what there is.
    this.#declared = declaration.capabilities ?? { logging: {} };
    this.#catalog = catalog;
    this.#extensions = extensions;
    this.#answers = answers;
  }

  /** Declares more, beside what was declared of the same. */
  declare(capabilities: DeclaredCapabilities): void {
    const merged: Record<string, unknown> = { ...this.#declared };
    for (const [name, more] of Object.entries(capabilities)) {
      const before = merged[name];
      merged[name] = isObject(before) && isObject(more)
        ? { ...before, ...more }
        : more;
    }
    this.#declared = merged;
  }

  /** True if clients get log messages. */
  get logs(): boolean {
    return isObject(this.#declared.logging);
  }

  /** True if clients may have arguments completed. */
  get completes(): boolean {
    const { completions } = this.#declared;
    return completions !== false &&
      (completions !== undefined || this.#catalog.completes);
  }

  /** Tells if clients are told of changes of a list. */
  announces(kind: ListKind): boolean {
    return this.#declared[kind]?.listChanged !== false;
  }

  /** True if clients are told of changes of a resource. */
  get subscribes(): boolean {
    const { resources } = this.#declared;
    return resources === undefined || resources.subscribe === true;
  }

  /** Tells if the server has, or says it has, something of a kind. */
  offers(kind: ListKind): boolean {
    // What clients were once told of stays there, even when the last one goes.
    if (this.#catalog[kind].size > 0) this.#offered.add(kind);
    return this.#offered.has(kind) || this.#declared[kind] !== undefined;
  }

  /**
   * Capabilities that `initialize` says the server has.
   * @param hasSession whether what the client asks for can be kept for it
   */
  legacy(hasSession: boolean): ServerCapabilities {
    const all = this.#of("legacy");
    return hasSession ? all : withoutSession(all);
  }

  #of(era: Era): ServerCapabilities {
    const { logging, completions, tasks, extensions, ...declared } =
      this.#declared;
    const lists: Record<string, unknown> = {};
    for (const kind of ["tools", "prompts", "resources"] as const) {
      if (this.offers(kind)) lists[kind] = this.#list(kind);
    }
    const offered = this.#extensionsOf(era);
    return {
      ...(logging && { logging }),
      ...(this.completes && { completions: completions || {} }),
      // Its methods are no part of the engine.
      ...(tasks && this.#answers("tasks/get") && { tasks }),
      ...declared,
      ...lists,
      ...((extensions !== undefined || offered.length > 0) && {
        extensions: { ...Object.fromEntries(offered), ...extensions },
      }),
    };
  }

  #list(kind: ListKind): ServerCapabilities["resources"] {
    const declared = this.#declared[kind];
    const implied = declared === undefined || this.#catalog[kind].size > 0;
    return {
      ...(implied && { listChanged: true }),
      ...(kind === "resources" && declared === undefined &&
        { subscribe: true }),
      ...declared,
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
    const { info, instructions, identifyInResults, discoveryHint, revisions } =
      this.#declaration;
    return {
      supportedVersions: revisions,
      capabilities: this.#of("modern"),
      ...(instructions !== undefined && { instructions }),
      ...discoveryHint,
      _meta: identifyInResults ? { [metaKey.serverInfo]: info } : {},
    };
  }
}

/** Capabilities that need not know a client from one request to the next. */
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

/** Tasks are there unless what is declared says otherwise. */
export function wantsTasks(
  { tasks, extensions }: DeclaredCapabilities = {},
): boolean {
  return tasks !== false &&
    (extensions === undefined || Object.hasOwn(extensions, TASKS_EXTENSION));
}
