import { MethodNotFoundError } from "../../protocol/errors.ts";
import type { Era } from "../../protocol/revision.ts";
import type { Extension } from "../extension.ts";
import {
  legacyMethods,
  type Method,
  modernMethods,
} from "../catalog/catalog_methods.ts";
import type { RequestContext } from "./call.ts";

/** The methods that a server answers: MCP's, its extensions', and the author's own. */
export class MethodTable {
  /** Methods that the author has added or replaced. */
  readonly custom: Map<string, Method> = new Map();
  readonly #extensions: readonly Extension[];

  constructor(extensions: readonly Extension[]) {
    this.#extensions = extensions;
  }

  /** Whether a method is one that clients may call, in any era. */
  knows(method: string): boolean {
    return this.custom.has(method) || modernMethods.has(method) ||
      legacyMethods.has(method) || this.#extensionMethod(method) !== undefined;
  }

  /** @throws {MethodNotFoundError} */
  find({ method, era }: RequestContext): Method {
    const found = this.#customMethod(method, era) ??
      (era === "modern" ? modernMethods : legacyMethods).get(method) ??
      this.#extensionMethod(method);
    if (found === undefined) throw new MethodNotFoundError(method);
    return found;
  }

  /** The author's answer to a method, unless that is of the other era alone. */
  #customMethod(method: string, era: Era): Method | undefined {
    const found = this.custom.get(method);
    if (found === undefined) return undefined;
    const [own, other] = era === "modern"
      ? [modernMethods, legacyMethods]
      : [legacyMethods, modernMethods];
    return own.has(method) || !other.has(method) ? found : undefined;
  }

  #extensionMethod(method: string): Method | undefined {
    return this.#extensions
      .find(({ active, methods }) => active && methods.has(method))
      ?.methods.get(method);
  }
}
