import { InvalidOptionError } from "../../base/errors.ts";
import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { quote } from "../../base/options.ts";
import { checkHandler } from "./check_handler.ts";
import { COMMON_OPTIONS, Registration, shown } from "./registration.ts";
import { isResourceContents } from "../../protocol/content_check.ts";
import { jsonForm, jsonText } from "../../protocol/json_value.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import type {
  CacheHint,
  InputRequiredResult,
  ReadResourceResult,
  Resource,
} from "../../protocol/types.ts";
import type { Variables } from "../../protocol/uri_template.ts";
import { readCacheHint } from "./cache_hint.ts";
import type { HandlerCache, HandlerCacheOptions } from "./handler_cache.ts";
import { isInputRequiredResult } from "../questions/input_required.ts";
import type { ListingEntry } from "./listing.ts";
import type { ResourceTemplate } from "./resource_template.ts";
import type { AccessRules } from "../identity/guard.ts";
import type { ServerContext } from "../server_context.ts";

/** Metadata that lists have of a resource beside its name and URI. */
export type ResourceMetadata = Omit<Resource, "uri" | "name">;

/** Description of a resource; a template's variables are what `allow` gets. */
export type ResourceConfig = ResourceMetadata & AccessRules<Variables> & {
  /** Time that clients may keep what they read. */
  cacheHint?: CacheHint;
  /** Remember what was read, by URI and by who asked. */
  cache?: HandlerCacheOptions;
};

/**
 * Output of reading a resource: a full result, a string, bytes, or any
 * other JSON value.
 */
export type ResourceOutput =
  | ReadResourceResult
  | InputRequiredResult
  | string
  | Uint8Array
  | object;

/** Reads the resource at a fixed URI. */
export type ReadResourceCallback<Lifespan = unknown> = (
  uri: URL,
  ctx: ServerContext<Lifespan>,
) => ResourceOutput | Promise<ResourceOutput>;

/** Reads a resource whose URI matched a template. */
export type ReadResourceTemplateCallback<Lifespan = unknown> = (
  uri: URL,
  variables: Variables,
  ctx: ServerContext<Lifespan>,
) => ResourceOutput | Promise<ResourceOutput>;

/** Changes that `update` of a resource may make; `uri: null` removes it. */
export interface ResourceUpdates extends AccessRules<Variables> {
  /** A new name. */
  name?: string;
  /** A name for people. */
  title?: string;
  /** A new URI, or null to take the resource out for good. */
  uri?: string | null;
  /** Replaces what lists say of it. */
  metadata?: ResourceMetadata;
  /** The new reader. */
  callback?: ReadResourceCallback;
  /** False hides it until it is enabled again. */
  enabled?: boolean;
}

/** Changes that `update` of a template may make; `name: null` removes it. */
export interface ResourceTemplateUpdates extends AccessRules<Variables> {
  /** A new name, or null to take the template out for good. */
  name?: string | null;
  /** A name for people. */
  title?: string;
  /** The new form of the URIs. */
  template?: ResourceTemplate;
  /** Replaces what lists say of it. */
  metadata?: ResourceMetadata;
  /** The new reader. */
  callback?: ReadResourceTemplateCallback;
  /** False hides it until it is enabled again. */
  enabled?: boolean;
}

const RESOURCE_OPTIONS = {
  ...COMMON_OPTIONS,
  annotations: shown,
  mimeType: option.optional(),
  size: option.optional(),
  cacheHint: option.optional(),
  cache: option.optional(),
} satisfies OptionRules<ResourceConfig>;

/** Common base of the handles of resources and of templates. */
export abstract class ReadableRegistration<
  Reader,
  Updates extends {
    title?: string;
    metadata?: ResourceMetadata;
    callback?: Reader;
    enabled?: boolean;
  } & AccessRules<Variables>,
> extends Registration<Updates> {
  #name: string;
  #metadata: ResourceMetadata;
  #read: Reader;
  /** Time that clients may keep what they read. */
  readonly cacheHint: Required<CacheHint>;
  /** @internal */
  readonly cache: HandlerCache | undefined;

  /** @internal */
  constructor(
    name: string,
    config: ResourceConfig,
    read: Reader,
    defaultHint: Required<CacheHint>,
    cache: HandlerCache | undefined,
  ) {
    super();
    const where = `resource ${name}`;
    readOptions(where, config, RESOURCE_OPTIONS, `${where}: `);
    const { cacheHint, cache: _, scopes, allow, hidden, ...metadata } = config;
    this.#name = name;
    this.#metadata = metadata;
    this.#read = checkHandler(where, read);
    this.guardBy({ scopes, allow, hidden }, where);
    this.cache = cache;
    this.cacheHint = cacheHint === undefined
      ? defaultHint
      : readCacheHint(where, cacheHint);
  }

  /** Name that the resource is known by. */
  get name(): string {
    return this.#name;
  }
  /** A name for people. */
  get title(): string | undefined {
    return this.#metadata.title;
  }
  /** Metadata that lists have of it beside its name and URI. */
  get metadata(): ResourceMetadata {
    return this.#metadata;
  }
  /** Callback that reads it. */
  get readCallback(): Reader {
    return this.#read;
  }

  /** Takes over what both kinds may change. */
  protected take(
    name: string | null | undefined,
    updates: Updates,
  ): void {
    const { title, metadata, callback, enabled } = updates;
    if (typeof name === "string") this.#name = name;
    if (metadata !== undefined) this.#metadata = metadata;
    if (title !== undefined) this.#metadata = { ...this.#metadata, title };
    if (callback !== undefined) {
      this.#read = checkHandler(`resource ${this.#name}`, callback);
    }
    this.guardBy(updates, `resource ${this.#name}`);
    this.show(enabled);
  }
}

/** A registered resource: the handle that its author keeps. */
export class RegisteredResource
  extends ReadableRegistration<ReadResourceCallback, ResourceUpdates> {
  #changed: (resource: RegisteredResource, from: string) => void;
  #uri: string;

  /** @internal */
  constructor(
    changed: (resource: RegisteredResource, from: string) => void,
    name: string,
    uri: string,
    config: ResourceConfig,
    read: ReadResourceCallback,
    defaultHint: Required<CacheHint>,
    cache: HandlerCache | undefined,
  ) {
    super(name, config, read, defaultHint, cache);
    this.#changed = changed;
    this.#uri = checkUri(uri);
  }

  /** URI at which it is read. */
  get uri(): string {
    return this.#uri;
  }

  /** Takes it out for good. */
  override remove(): void {
    this.update({ uri: null });
  }

  /** Changes the resource in place and tells every client that listens. */
  override update(updates: ResourceUpdates): void {
    const from = this.#uri;
    const { name, uri } = updates;
    if (typeof uri === "string") checkUri(uri);
    this.take(name, updates);
    if (typeof uri === "string") this.#uri = uri;
    if (uri === null) this.takeOut();
    this.#changed(this, from);
  }

  /**
   * The resource as lists show it, under the URI it has there.
   * @internal
   */
  entry(uri: string): ListingEntry {
    const text = jsonText({ uri, name: this.name, ...this.metadata });
    return { key: uri, modern: text, legacy: text };
  }
}

/** A registered template: the handle that its author keeps. */
export class RegisteredResourceTemplate extends ReadableRegistration<
  ReadResourceTemplateCallback,
  ResourceTemplateUpdates
> {
  #changed: (template: RegisteredResourceTemplate, from: string) => void;
  #template: ResourceTemplate;

  /** @internal */
  constructor(
    changed: (template: RegisteredResourceTemplate, from: string) => void,
    name: string,
    template: ResourceTemplate,
    config: ResourceConfig,
    read: ReadResourceTemplateCallback,
    defaultHint: Required<CacheHint>,
    cache: HandlerCache | undefined,
  ) {
    super(name, config, read, defaultHint, cache);
    this.#changed = changed;
    this.#template = template;
  }

  /** The form of its URIs. */
  get resourceTemplate(): ResourceTemplate {
    return this.#template;
  }

  /** Takes it out for good. */
  override remove(): void {
    this.update({ name: null });
  }

  /** Changes the template in place and tells every client that listens. */
  override update(updates: ResourceTemplateUpdates): void {
    const from = this.name;
    const { name, template } = updates;
    this.take(name, updates);
    if (template !== undefined) this.#template = template;
    if (name === null) this.takeOut();
    this.#changed(this, from);
  }

  /**
   * The template as lists show it.
   * @internal
   */
  entry(name: string, uriTemplate: string): ListingEntry {
    const text = jsonText({ name, uriTemplate, ...this.metadata });
    return { key: name, modern: text, legacy: text };
  }
}

/**
 * Makes a full result of whatever a reader returned. An object is a result itself
 * if all of its members are those of one; otherwise it is data.
 *
 * @throws {JsonValueError} if it has no form in JSON
 * @throws {TypeError} for a result with broken contents, and for nothing at all
 */
export function toReadResult(
  value: unknown,
  uri: string,
  mimeType: string | undefined,
): ReadResourceResult | InputRequiredResult {
  if (isInputRequiredResult(value)) return value;
  const type = (fallback: string) => mimeType ?? fallback;
  if (typeof value === "string") {
    return { contents: [{ uri, mimeType: type("text/plain"), text: value }] };
  }
  if (value instanceof Uint8Array) {
    return {
      contents: [{
        uri,
        mimeType: type("application/octet-stream"),
        blob: toBase64(value),
      }],
    };
  }
  const said = jsonForm(value);
  if (said === undefined) {
    throw new TypeError(`a ${typeof value} is no content for resource ${uri}`);
  }
  if (isObject(said) && Object.entries(said).every(isMemberOfResult)) {
    const { contents } = said as { contents?: unknown[] };
    if (contents !== undefined) return checkedContents(said, contents, uri);
  }
  const text = jsonText(said);
  return { contents: [{ uri, mimeType: type("application/json"), text }] };
}

function isMemberOfResult([key, value]: [string, unknown]): boolean {
  switch (key) {
    case "contents":
      // What claims to be contents is told if they are broken.
      return Array.isArray(value) && value.every(claimsToBeContents);
    case "ttlMs":
      return typeof value === "number";
    case "cacheScope":
      return value === "public" || value === "private";
    case "resultType":
      return value === "complete";
    case "_meta":
      return isObject(value);
    default:
      return false;
  }
}

function claimsToBeContents(value: unknown): boolean {
  return isObject(value) && typeof value.uri === "string" &&
    ("text" in value || "blob" in value);
}

function checkedContents(
  result: JsonObject,
  contents: unknown[],
  uri: string,
): ReadResourceResult {
  const broken = contents.findIndex((each) => !isResourceContents(each));
  if (broken < 0) return result as unknown as ReadResourceResult;
  throw new TypeError(
    `resource ${uri}: contents[${broken}] is none: it needs a uri, and a text ` +
      "or a blob in base64",
  );
}

function toBase64(bytes: Uint8Array): string {
  const chunk = 0x8000;
  let binary = "";
  for (let at = 0; at < bytes.length; at += chunk) {
    binary += String.fromCharCode(...bytes.subarray(at, at + chunk));
  }
  return btoa(binary);
}

/** @throws {InvalidOptionError} for what no client could read */
function checkUri(uri: string): string {
  if (/[{}]/.test(uri)) {
    throw new InvalidOptionError(
      `a resource's URI has no variables, got ${quote(uri)}: ` +
        "register a new ResourceTemplate(…) for a family of resources",
    );
  }
  if (URL.canParse(uri)) return uri;
  throw new InvalidOptionError(
    `a resource needs a URI such as "note://1", got ${quote(uri)}`,
  );
}
