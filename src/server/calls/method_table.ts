import { MethodNotFoundError } from "../../protocol/protocol_errors.ts";
import type { Era } from "../../protocol/revision.ts";
import type { Extension } from "../extension.ts";
import type { Call } from "./call.ts";

/** Answers one method: with a result, or with ready JSON, now or later. */
export type Method = (call: Call) => unknown;

/** The methods of each era. */
export type MethodsByEra = Readonly<Record<Era, ReadonlyMap<string, Method>>>;

/** The parameter that `Mcp-Name` mirrors in MCP's own methods. */
const NAMED_BY: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};

/** The methods that a server answers: MCP's, its extensions', and the author's own. */
export class MethodTable {
  /** Methods that the author has added or replaced. */
  readonly custom: Map<string, Method> = new Map();
  /** The author's answer to what nothing else answers. */
  fallback: Method | undefined;
  /** MCP's own methods, of either era. */
  readonly coreNames: ReadonlySet<string>;
  readonly #core: MethodsByEra;
  readonly #extensions: readonly Extension[];
  readonly #namedBy: ReadonlyMap<string, string>;

  constructor(core: MethodsByEra, extensions: readonly Extension[]) {
    this.#core = core;
    this.coreNames = new Set(
      Object.values(core).flatMap((methods) => [...methods.keys()]),
    );
    this.#extensions = extensions;
    this.#namedBy = new Map(
      [NAMED_BY, ...extensions.map(({ namedBy = {} }) => namedBy)]
        .flatMap(Object.entries<string>),
    );
  }

  /** Tells if a method is one that clients may call, in any era. */
  knows(method: string): boolean {
    return this.custom.has(method) || this.coreNames.has(method) ||
      this.#extensionOf(method) !== undefined;
  }

  /** The engine's own answer to a method. */
  core(method: string, era: Era): Method | undefined {
    return this.#core[era].get(method);
  }

  /** The parameter that the header `Mcp-Name` mirrors, if it mirrors one. */
  namedBy(method: string): string | undefined {
    return this.#namedBy.get(method);
  }

  /** @throws {MethodNotFoundError} */
  find({ method, era: { name } }: Call): Method {
    const found = this.#customMethod(method, name) ??
      this.#core[name].get(method) ??
      this.#extensionMethod(method, name) ?? this.fallback;
    if (found === undefined) throw new MethodNotFoundError(method);
    return found;
  }

  /** The author's answer to a method, unless that is of the other era alone. */
  #customMethod(method: string, era: Era): Method | undefined {
    const found = this.custom.get(method);
    if (found === undefined) return undefined;
    const isForeign = this.coreNames.has(method) &&
      !this.#core[era].has(method);
    return isForeign ? undefined : found;
  }

  #extensionMethod(method: string, era: Era): Method | undefined {
    const { methods, eras } = this.#extensionOf(method) ?? {};
    if (methods === undefined || eras?.includes(era) === false) {
      return undefined;
    }
    return (call) => methods[method](call.params, call.context);
  }

  #extensionOf(method: string): Extension | undefined {
    return this.#extensions.find(({ active = true, methods = {} }) =>
      active && Object.hasOwn(methods, method)
    );
  }
}
