import {
  InvalidParamsError,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
} from "../../protocol/errors.ts";
import type {
  CacheHint,
  InputRequiredResult,
  ReadResourceResult,
  Resource,
} from "../../protocol/types.ts";
import { UriTemplate, type Variables } from "../../protocol/uri_template.ts";
import { checkCacheHint } from "./cache_hint.ts";
import { Collection, entriesOf, type Slot } from "./collection.ts";
import type { Engine } from "../calls/dispatcher.ts";
import { HandlerCache } from "./handler_cache.ts";
import { isInputRequiredResult } from "../questions/input_required.ts";
import { Listing, type ListingEntry, pageOf } from "./listing.ts";
import type { ReadyJson } from "../eras/ready_json.ts";
import type { CacheHints } from "./catalog.ts";
import type { RequestContext } from "../calls/call.ts";
import {
  type ReadResourceCallback,
  type ReadResourceTemplateCallback,
  RegisteredResource,
  RegisteredResourceTemplate,
  type ResourceConfig,
  toReadResult,
} from "./resource.ts";
import type { FoundResource, ResourceSource } from "./resource_source.ts";
import type { ResourceTemplate } from "./resource_template.ts";

/** A template as one server shows it, with the mount's prefix in its URIs. */
interface ShownTemplate extends Slot<RegisteredResourceTemplate> {
  readonly uriTemplate: UriTemplate;
}

type Counted = Pick<Slot<RegisteredResource>, "record">;

/** The resources and templates of a server. */
export class ResourceShelf {
  readonly fixed: Collection<RegisteredResource>;
  readonly templates: Collection<RegisteredResourceTemplate>;
  readonly templateList: Listing;
  readonly #fixedList: Listing;
  readonly #engine: Engine;
  readonly #pageSize: number;
  readonly #listHint: Required<CacheHint>;
  readonly #readHint: CacheHint | undefined;
  readonly #prefixes: Map<string, string> = new Map();
  readonly #sources: ResourceSource[] = [];
  readonly #onChange: () => void;
  #shown: ShownTemplate[] | undefined;

  constructor(
    engine: Engine,
    pageSize: number,
    hints: CacheHints,
    onChange: () => void,
  ) {
    this.#onChange = onChange;
    const changed = () => this.changed();
    this.fixed = new Collection("Resource", engine, prefixUri, changed);
    this.templates = new Collection(
      "Resource template",
      engine,
      (prefix, key) => {
        const name = `${prefix}_${key}`;
        this.#prefixes.set(name, prefix);
        return name;
      },
      changed,
    );
    this.#engine = engine;
    this.#pageSize = pageSize;
    this.#readHint = hints["resources/read"];
    this.#listHint = checkCacheHint(
      hints["resources/list"],
      "cacheHints: resources/list",
    );
    this.#fixedList = new Listing(
      "resources",
      () => this.#fixedEntries(),
      pageSize,
      this.#listHint,
    );
    this.templateList = new Listing(
      "resourceTemplates",
      () =>
        this.shownTemplates.map(({ key, item, uriTemplate }) =>
          item.entry(key, String(uriTemplate))
        ),
      pageSize,
      checkCacheHint(
        hints["resources/templates/list"],
        "cacheHints: resources/templates/list",
      ),
    );
  }

  get size(): number {
    const sourced = this.#sources.reduce((sum, { size }) => sum + size, 0);
    return this.fixed.size + this.templates.size + sourced;
  }

  /** Forgets its lists and tells who shows them. */
  changed(): void {
    this.#shown = undefined;
    this.#fixedList?.invalidate();
    this.templateList?.invalidate();
    this.#onChange();
  }

  /** Shows the resources of a source too; the source says when they change. */
  addSource(source: ResourceSource): void {
    this.#sources.push(source);
  }

  #fixedEntries(): ListingEntry[] {
    return [
      ...entriesOf(this.fixed, ({ key, item }) => item.entry(key))(),
      ...this.#sources.flatMap((source) => [...source.entries()]),
    ];
  }

  get completes(): boolean {
    return this.shownTemplates.some(({ item }) =>
      item.resourceTemplate.completes
    );
  }

  add(
    name: string,
    uri: string,
    config: ResourceConfig,
    read: ReadResourceCallback,
  ): RegisteredResource {
    const resource = new RegisteredResource(
      (changed, from) => this.fixed.move(changed, from, changed.uri),
      name,
      uri,
      config,
      read,
      this.#readHint,
      this.#makeCache(name, config),
    );
    this.fixed.add(uri, resource);
    return resource;
  }

  addTemplate(
    name: string,
    template: ResourceTemplate,
    config: ResourceConfig,
    read: ReadResourceTemplateCallback,
  ): RegisteredResourceTemplate {
    const registered = new RegisteredResourceTemplate(
      (changed, from) => this.templates.move(changed, from, changed.name),
      name,
      template,
      config,
      read,
      this.#readHint,
      this.#makeCache(name, config),
    );
    this.templates.add(name, registered);
    return registered;
  }

  #makeCache(
    name: string,
    { cache }: ResourceConfig,
  ): HandlerCache | undefined {
    if (cache === undefined) return undefined;
    const made = new HandlerCache(`resource ${name}`, cache);
    this.#engine.disposeLater(made);
    return made;
  }

  mount(prefix: string, other: ResourceShelf): void {
    this.fixed.mount(prefix, other.fixed);
    this.templates.mount(prefix, other.templates);
  }

  /** The templates, with the URIs that they have here. */
  get shownTemplates(): readonly ShownTemplate[] {
    return this.#shown ??= Array.from(this.templates.enabled(), (slot) => {
      const own = slot.item.resourceTemplate.uriTemplate;
      const prefix = this.#prefixes.get(slot.key);
      return {
        ...slot,
        uriTemplate: prefix === undefined
          ? own
          : new UriTemplate(prefixUri(prefix, String(own))),
      };
    });
  }

  /** One page of `resources/list`; made anew only if a template lists its own. */
  list(
    cursor: unknown,
    context: RequestContext,
  ): ReadyJson | Promise<ReadyJson> {
    const lists = this.shownTemplates.some(({ item }) =>
      item.resourceTemplate.listCallback !== undefined
    );
    return lists
      ? this.#listWithTemplates(cursor, context)
      : this.#fixedList.page(cursor);
  }

  async #listWithTemplates(
    cursor: unknown,
    context: RequestContext,
  ): Promise<ReadyJson> {
    const entries = this.#fixedEntries();
    // One after the other: the context shows each the lifespan of its own server.
    for (const { item, key, owner } of this.shownTemplates) {
      context.owner = owner;
      const listed = await item.resourceTemplate.listCallback?.(context);
      const prefix = this.#prefixes.get(key);
      for (const resource of listed?.resources ?? []) {
        entries.push(listedEntry(resource, item, prefix));
      }
    }
    return pageOf("resources", entries, cursor, this.#pageSize, this.#listHint);
  }

  /** A template by the text that lists show for it. */
  findTemplate(uriTemplate: string): ShownTemplate | undefined {
    return this.shownTemplates.find((each) =>
      String(each.uriTemplate) === uriTemplate
    );
  }

  /**
   * @throws {InvalidParamsError} if the URI is not one
   * @throws {ResourceNotFoundError} if nothing has it
   */
  async read(
    uri: string,
    context: RequestContext,
  ): Promise<ReadResourceResult | InputRequiredResult> {
    const url = parseUri(uri);
    const fixed = this.fixed.slots.get(uri) ?? this.fixed.slots.get(url.href);
    if (fixed !== undefined) {
      if (!fixed.item.enabled) throw notFound(uri, context);
      context.owner = fixed.owner;
      countRead(fixed, fixed.key, context);
      const value = await readThrough(
        fixed.item.cache,
        url,
        context,
        (each) => fixed.item.readCallback(url, each),
      );
      return finish(value, uri, fixed.item, context);
    }
    const sourced = this.#sourced(uri);
    if (sourced !== undefined) {
      context.owner = sourced.owner;
      const value = await sourced.readCallback(url, context);
      return finish(value, uri, sourced, context);
    }
    for (const shown of this.shownTemplates) {
      const { item, owner, uriTemplate } = shown;
      const variables: Variables | null = uriTemplate.match(uri) ??
        uriTemplate.match(url.href);
      if (variables === null) continue;
      context.owner = owner;
      countRead(shown, String(uriTemplate), context);
      const value = await readThrough(
        item.cache,
        url,
        context,
        (each) => item.readCallback(url, variables, each),
      );
      return finish(value, uri, item, context);
    }
    throw notFound(uri, context);
  }

  #sourced(uri: string): FoundResource | undefined {
    for (const source of this.#sources) {
      const found = source.find(uri);
      if (found !== undefined) return found;
    }
  }
}

/** A tool that reads a resource is counted as the tool. */
function countRead(
  { record }: Counted,
  name: string,
  context: RequestContext,
): void {
  if (context.method === "resources/read") context.countWith(record, name);
}

function readThrough(
  cache: HandlerCache | undefined,
  { href }: URL,
  context: RequestContext,
  read: (context: RequestContext) => unknown,
): unknown {
  return cache === undefined ? read(context) : cache.run(href, context, read);
}

function finish(
  value: unknown,
  uri: string,
  { metadata, cacheHint }: Pick<FoundResource, "metadata" | "cacheHint">,
  { era }: RequestContext,
): ReadResourceResult | InputRequiredResult {
  const result = toReadResult(value, uri, metadata.mimeType);
  return isInputRequiredResult(result) || era === "legacy"
    ? result
    : { ...cacheHint, ...result };
}

function listedEntry(
  resource: Resource,
  template: RegisteredResourceTemplate,
  prefix: string | undefined,
): ListingEntry {
  const uri = prefix === undefined
    ? resource.uri
    : prefixUri(prefix, resource.uri);
  const text = JSON.stringify({ ...template.metadata, ...resource, uri });
  return { key: uri, modern: text, legacy: text };
}

/** The legacy era has a code of its own for this; the modern one does not. */
function notFound(uri: string, { era }: RequestContext): ProtocolError {
  return era === "modern" ? new ResourceNotFoundError(uri) : new ProtocolError(
    ProtocolErrorCode.ResourceNotFound,
    `Resource not found: ${uri}`,
    { uri },
  );
}

function parseUri(uri: string): URL {
  try {
    return new URL(uri);
  } catch {
    throw new InvalidParamsError(
      `Invalid params: uri ${JSON.stringify(uri)} is not a URI`,
      { uri, reason: "invalid_uri" },
    );
  }
}

/** `scheme://rest` under a prefix is `scheme://prefix/rest`. */
export function prefixUri(prefix: string, uri: string): string {
  return uri.replace(
    /^([a-z][a-z0-9+.-]*:)(\/\/)?\/?/i,
    (_, scheme, slashes) => `${scheme}${slashes ?? ""}${prefix}/`,
  );
}
