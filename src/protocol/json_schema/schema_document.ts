import { InvalidOptionError } from "../../base/errors.ts";
import { quote } from "../../base/options.ts";
import type { JsonObject } from "../jsonrpc.ts";
import { ValueSet } from "./value_set.ts";
import {
  isSchema,
  keywordFault,
  type SchemaNode,
  type Subschema,
  subschemasOf,
} from "./keywords.ts";

/** The most levels that schemas may nest, and the most schemas of a document. */
const MAX_DEPTH = 64;
const MAX_SCHEMAS = 10_000;

/** The base of a document without `$id`. */
const NO_BASE = "json-schema:///";

export type Dialect = "2020-12" | "draft-07";

/** A schema with an `$id` of its own, or the root: references start from here. */
export class Resource {
  readonly anchors = new Map<string, Located>();
  /** The anchors that `$dynamicRef` may find in a resource further out. */
  readonly dynamicAnchors = new Map<string, Located>();

  constructor(
    readonly base: string,
    readonly node: JsonObject,
    readonly where: string,
  ) {}
}

/** A schema and its place in the document. */
export interface Located {
  readonly node: SchemaNode;
  readonly resource: Resource;
  /** The way to it, as errors tell it. */
  readonly where: string;
}

/**
 * A JSON Schema read whole: every schema in it known by its place, every keyword
 * of the right kind, every reference leading somewhere.
 */
export class SchemaDocument {
  readonly dialect: Dialect;
  readonly root: Located;
  /** Some reference depends on the way that led to it. */
  hasDynamicRefs = false;
  readonly #resources = new Map<string, Resource>();
  readonly #located = new Map<object, Located>();
  #schemas = 0;
  readonly #references: { from: Located; ref: string; keyword: string }[] = [];

  /**
   * Reads it; `where` begins what errors say.
   *
   * @throws {InvalidOptionError} naming the keyword that is wrong, and its place.
   */
  constructor(schema: JsonObject, dialect: Dialect, where: string) {
    this.dialect = dialect;
    const resource = this.#addResource(NO_BASE, schema, where);
    this.root = this.#read(schema, resource, where, 0);
    for (const { from, ref, keyword } of this.#references) {
      this.find(ref, from, keyword);
    }
  }

  /** Finds the place of a schema; `true` and `false` have none of their own. */
  at(node: SchemaNode, near: Located): Located {
    return this.#located.get(node as object) ?? { ...near, node };
  }

  /**
   * Follows a reference.
   *
   * @throws {InvalidOptionError} when it leads nowhere, or out of the document.
   */
  find(ref: string, from: Located, keyword: string): Located {
    const fail = (why: string) =>
      new InvalidOptionError(`${from.where}.${keyword} ${quote(ref)} ${why}`);
    const { base } = from.resource;
    if (!URL.canParse(ref, base) || !isDecodable(ref)) {
      throw fail("is no URI");
    }
    const url = new URL(ref, base);
    const resource = this.#resources.get(withoutFragment(url));
    if (resource === undefined) {
      throw fail("leaves the document: put the definition under $defs");
    }
    const fragment = decodeURIComponent(url.hash.slice(1));
    const found = fragment === "" || fragment.startsWith("/")
      ? this.#follow(fragment, resource)
      : resource.anchors.get(fragment);
    if (found === undefined) throw fail("leads nowhere");
    return found;
  }

  #follow(pointer: string, resource: Resource): Located | undefined {
    let node: unknown = resource.node;
    let near: Located = {
      node: resource.node,
      resource,
      where: resource.where,
    };
    for (const step of pointerSteps(pointer)) {
      if (typeof node !== "object" || node === null) return undefined;
      if (!Object.hasOwn(node, step)) return undefined;
      node = (node as JsonObject)[step];
      near = this.#located.get(node as object) ??
        { ...near, where: `${near.where}.${step}` };
    }
    if (!isSchema(node)) return undefined;
    if (typeof node === "boolean") return this.at(node, near);
    const known = this.#located.get(node);
    if (known !== undefined) return known;
    // A schema under a keyword that JSON Schema doesn't know.
    return this.#read(node, near.resource, near.where, 0);
  }

  /** The same schema may be there twice; two of one name may not. */
  #addResource(base: string, node: JsonObject, where: string): Resource {
    const known = this.#resources.get(base);
    if (known !== undefined) {
      const isSame = known.node === node ||
        new ValueSet([known.node]).has(node);
      if (isSame) return known;
      throw new InvalidOptionError(
        `${where}.$id ${quote(base)} is there twice`,
      );
    }
    const resource = new Resource(base, node, where);
    this.#resources.set(base, resource);
    return resource;
  }

  /** Reads a schema and all schemas in it. */
  #read(
    node: JsonObject,
    outer: Resource,
    where: string,
    depth: number,
  ): Located {
    if (depth > MAX_DEPTH || ++this.#schemas > MAX_SCHEMAS) {
      throw new InvalidOptionError(
        `${where}: a JSON Schema takes at most ${MAX_DEPTH} levels and ` +
          `${MAX_SCHEMAS} subschemas`,
      );
    }
    for (const [keyword, value] of Object.entries(node)) {
      const fault = keywordFault(keyword, value, this.dialect === "draft-07");
      if (fault !== undefined) {
        throw new InvalidOptionError(`${where}.${keyword} ${fault}`);
      }
    }
    const resource = this.#resourceOf(node, outer, where);
    const located: Located = { node, resource, where };
    this.#located.set(node, located);
    this.#note(node, located);
    for (const each of subschemasOf(node)) {
      this.#readWithin(each, located, depth + 1);
    }
    return located;
  }

  #readWithin({ path, node }: Subschema, outer: Located, depth: number): void {
    const where = `${outer.where}.${path.join(".")}`;
    if (!isSchema(node)) {
      throw new InvalidOptionError(
        `${where} must be a schema, got ${quote(node)}`,
      );
    }
    if (typeof node !== "boolean") {
      this.#read(node, outer.resource, where, depth);
    }
  }

  #resourceOf(node: JsonObject, outer: Resource, where: string): Resource {
    const { $id } = node;
    if (!ownsBase(node, this.dialect)) return outer;
    if (!URL.canParse($id as string, outer.base)) {
      throw new InvalidOptionError(`${where}.$id ${quote($id)} is no URI`);
    }
    const base = withoutFragment(new URL($id as string, outer.base));
    return base === outer.base ? outer : this.#addResource(base, node, where);
  }

  #note(node: JsonObject, located: Located): void {
    const { anchors, dynamicAnchors } = located.resource;
    const { $anchor, $dynamicAnchor, $id } = node;
    if (typeof $anchor === "string") anchors.set($anchor, located);
    if (typeof $dynamicAnchor === "string") {
      anchors.set($dynamicAnchor, located);
      dynamicAnchors.set($dynamicAnchor, located);
    }
    // Draft 7 says an anchor like that.
    if (typeof $id === "string" && $id.startsWith("#")) {
      anchors.set($id.slice(1), located);
    }
    for (const keyword of ["$ref", "$dynamicRef"]) {
      const ref = node[keyword];
      if (typeof ref !== "string") continue;
      this.#references.push({ from: located, ref, keyword });
      this.hasDynamicRefs ||= keyword === "$dynamicRef";
    }
  }
}

/** True if references within the schema start from it, not from the root. */
export function ownsBase(node: JsonObject, dialect: Dialect): boolean {
  const { $id } = node;
  if (typeof $id !== "string" || $id.startsWith("#")) return false;
  // In draft 7 a `$ref` hides what stands beside it.
  return dialect === "2020-12" || node.$ref === undefined;
}

/** Splits a JSON pointer (RFC 6901) into its steps. */
export function pointerSteps(pointer: string): string[] {
  return pointer.split("/").slice(1).map((step) =>
    step.replaceAll("~1", "/").replaceAll("~0", "~")
  );
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function withoutFragment(url: URL): string {
  const bare = new URL(url);
  bare.hash = "";
  return bare.href;
}
