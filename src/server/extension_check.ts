import { InvalidOptionError } from "../base/errors.ts";
import { option, type OptionRules, readEach } from "../base/option_rules.ts";
import {
  checkFunction,
  checkKnown,
  checkWord,
  quote,
} from "../base/options.ts";
import { isObject } from "../protocol/jsonrpc.ts";
import { isPlainObject } from "../base/plain_value.ts";
import type { Era } from "../protocol/revision.ts";
import type { Extension } from "./extension.ts";

const ERAS: readonly Era[] = ["modern", "legacy"];

/** How its members are checked. */
const MEMBERS = {
  id: option.optional(),
  settings: option.ifGiven(checkObject),
  active: option.flag(true),
  eras: option.ifGiven(checkEras),
  methods: option.ifGiven(checkFunctions),
  topics: option.ifGiven(checkFunctions),
  namedBy: option.ifGiven(checkObject),
  attach: option.function(undefined),
  around: option.function(undefined),
  beforeTool: option.function(undefined),
} satisfies OptionRules<Omit<Extension, typeof Symbol.asyncDispose>>;

/** Names that are taken, of the server's own. */
export interface TakenNames {
  /** The extensions that the server has by itself. */
  readonly extensions: readonly Extension[];
  /** Methods of MCP. */
  readonly methods: ReadonlySet<string>;
  /** Fields of the filter of `subscriptions/listen`. */
  readonly topics: readonly string[];
}

/** Refuses what is no extension. @throws {InvalidOptionError} naming it and its member */
export function checkExtensions(
  name: string,
  given: unknown = [],
): readonly Extension[] {
  if (!Array.isArray(given)) {
    throw new InvalidOptionError(
      `${name} must be an array, got ${quote(given)}`,
    );
  }
  for (const [index, extension] of given.entries()) {
    if (!isObject(extension)) {
      throw new InvalidOptionError(
        `extensions[${index}] must be an object, got ${quote(extension)}`,
      );
    }
    const { id } = extension as { id: unknown };
    if (typeof id !== "string" || id === "") {
      throw new InvalidOptionError(
        `extensions[${index}].id must be a string such as ` +
          `"com.example/clock", got ${quote(id)}`,
      );
    }
    checkMembers(extension as unknown as Extension);
  }
  return given;
}

function checkMembers(extension: Extension): void {
  const { id, methods = {}, namedBy = {} } = extension;
  const where = `extension ${id}`;
  // An instance of a class has members of its own.
  if (isPlainObject(extension)) checkKnown(where, extension, MEMBERS);
  readEach(extension, MEMBERS, `${where}: `);
  for (const [method, parameter] of Object.entries(namedBy)) {
    if (typeof parameter === "string" && Object.hasOwn(methods, method)) {
      continue;
    }
    throw new InvalidOptionError(
      `${where}: namedBy must name a parameter of one of its methods, ` +
        `got ${quote(method)}: ${quote(parameter)}`,
    );
  }
  checkFunction(
    `${where}: [Symbol.asyncDispose]`,
    extension[Symbol.asyncDispose],
  );
}

function checkEras(name: string, eras: unknown): void {
  if (!Array.isArray(eras) || eras.length === 0) {
    throw new InvalidOptionError(
      `${name} must be an array of eras, got ${quote(eras)}`,
    );
  }
  for (const era of eras) checkWord(name, era, ERAS);
}

function checkFunctions(name: string, functions: unknown): void {
  checkObject(name, functions);
  for (const [key, value] of Object.entries(functions as object)) {
    checkFunction(`${name}[${quote(key)}]`, value ?? null);
  }
}

function checkObject(name: string, value: unknown): void {
  if (isObject(value)) return;
  throw new InvalidOptionError(
    `${name} must be an object, got ${quote(value)}`,
  );
}

/**
 * Refuses names that somebody else answers to: whatever went by them would
 * never be called.
 *
 * @throws {InvalidOptionError} naming the extension and the name
 */
export function checkNames(
  given: readonly Extension[],
  taken: TakenNames,
): void {
  const own = taken.extensions;
  const ids = new Set(own.map(({ id }) => id));
  const methods = new Set([...taken.methods, ...namesIn(own, "methods")]);
  const topics = new Set([...taken.topics, ...namesIn(own, "topics")]);
  for (const extension of given) {
    const { id } = extension;
    take(ids, id, `extension ${id}: the id`);
    for (const method of namesIn([extension], "methods")) {
      take(methods, method, `extension ${id}: methods[${quote(method)}]`);
    }
    for (const topic of namesIn([extension], "topics")) {
      take(topics, topic, `extension ${id}: topics[${quote(topic)}]`);
    }
  }
}

function namesIn(
  extensions: readonly Extension[],
  member: "methods" | "topics",
): string[] {
  return extensions.flatMap((extension) =>
    Object.keys(extension[member] ?? {})
  );
}

function take(names: Set<string>, name: string, what: string): void {
  if (names.has(name)) {
    throw new InvalidOptionError(
      `${what} is taken, by the server itself or by another extension`,
    );
  }
  names.add(name);
}
