import { byForms, listedEntry, parseUri, prefixUri } from "./resource_uri.ts";
import { quote } from "../../base/options.ts";
import type { CallRecord } from "../../observe/metrics/call_record.ts";
import type {
  InputRequiredResult,
  ReadResourceResult,
} from "../../protocol/types.ts";
import { foldHost, normalUri } from "../../protocol/uri_form.ts";
import { UriTemplate, type Variables } from "../../protocol/uri_template.ts";
import { Collection, entriesOf, guarded, type Slot } from "./collection.ts";
import { admits } from "../calls/access_check.ts";
import type { Call, HandlerOwner } from "../calls/call.ts";
import { HandlerCache } from "./handler_cache.ts";
import {
  Listing,
  type ListingEntry,
  pageFor,
  type PageOptions,
} from "./listing.ts";
import type { ReadyJson } from "../eras/ready_json.ts";
import type { CatalogOptions } from "./catalog_options.ts";
import {
  type ReadResourceCallback,
  type ReadResourceTemplateCallback,
  RegisteredResource,
  RegisteredResourceTemplate,
  type ResourceConfig,
} from "./resource.ts";
import {
  enterResource,
  finishRead,
  type Following,
  mayFollow,
} from "./resource_access.ts";
import { readingOf } from "./resource_reading.ts";
import type { FoundResource, ResourceSource } from "./resource_source.ts";
import type { ResourceTemplate } from "./resource_template.ts";

/** Number of unreadable URIs that are told of, one by one. */
const MAX_TOLD = 100;

/** A template as one server shows it, with the mount's prefix in its URIs. */
interface ShownTemplate extends Slot<RegisteredResourceTemplate> {
  readonly uriTemplate: UriTemplate;
}

/** The resources and templates of a server. */
export class ResourceCatalog {
  readonly fixed: Collection<RegisteredResource>;
  readonly templates: Collection<RegisteredResourceTemplate>;
  readonly templateList: Listing;
  readonly #fixedList: Listing;
  readonly #page: PageOptions;
  readonly #options: CatalogOptions;
  readonly #sources: ResourceSource[] = [];
  #shown: ShownTemplate[] | undefined;
  #byForm: Map<string, Slot<RegisteredResource>> | undefined;
  /** URIs that templates have listed and nobody can read. */
  readonly #unreadable: Set<string> = new Set();

  constructor(owner: HandlerOwner, options: CatalogOptions) {
    this.#options = options;
    const { hints, pageSize, warn } = options;
    this.#page = {
      field: "resources",
      pageSize,
      hint: hints["resources/list"],
    };
    this.#fixedList = new Listing({
      ...this.#page,
      entries: () => this.#fixedEntries(),
    });
    this.templateList = new Listing({
      field: "resourceTemplates",
      pageSize,
      hint: hints["resources/templates/list"],
      entries: () =>
        this.shownTemplates.map((shown) =>
          guarded(shown.item.entry(shown.key, String(shown.uriTemplate)), shown)
        ),
    });
    const kept = { owner, changed: () => this.changed(), warn };
    this.fixed = new Collection({
      ...kept,
      kind: "Resource",
      prefix: prefixUri,
    });
    this.templates = new Collection({
      ...kept,
      kind: "Resource template",
      prefix: (prefix, key) => `${prefix}_${key}`,
    });
  }

  get size(): number {
    const sourced = this.#sources.reduce((sum, { size }) => sum + size, 0);
    return this.fixed.size + this.templates.size + sourced;
  }

  /** Forgets its lists and tells who shows them. */
  changed(): void {
    this.#shown = undefined;
    this.#byForm = undefined;
    this.#fixedList.invalidate();
    this.templateList.invalidate();
    this.#options.changed("resources");
  }

  /** Shows the resources of a source too; the source says when they change. */
  addSource(source: ResourceSource): void {
    this.#sources.push(source);
  }

  #fixedEntries(): ListingEntry[] {
    return [
      ...entriesOf(this.fixed, ({ key, item }) => item.entry(key)),
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
      this.#options.hints["resources/read"],
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
      this.#options.hints["resources/read"],
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
    this.#options.disposeLater(made);
    return made;
  }

  mount(prefix: string, other: ResourceCatalog): void {
    this.fixed.mount(prefix, other.fixed);
    this.templates.mount(prefix, other.templates);
  }

  /** The templates, with the URIs that they have here. */
  get shownTemplates(): readonly ShownTemplate[] {
    return this.#shown ??= this.templates.enabled().map((slot) => {
      const own = slot.item.resourceTemplate.uriTemplate;
      return {
        ...slot,
        uriTemplate: slot.prefix === ""
          ? own
          : new UriTemplate(prefixUri(slot.prefix, String(own))),
      };
    });
  }

  /** One page of `resources/list`; made anew only if a template lists its own. */
  list(cursor: unknown, call: Call): ReadyJson | Promise<ReadyJson> {
    const lists = this.shownTemplates.some(({ item }) =>
      item.resourceTemplate.listCallback !== undefined
    );
    return lists
      ? this.#listWithTemplates(cursor, call)
      : this.#fixedList.pageFor(cursor, call);
  }

  async #listWithTemplates(cursor: unknown, call: Call): Promise<ReadyJson> {
    const listed = await Promise.all(
      this.shownTemplates.map((shown) => this.#listedBy(shown, call)),
    );
    const entries = [...this.#fixedEntries(), ...listed.flat()];
    return await pageFor(this.#page, entries, cursor, call);
  }

  async #listedBy(
    shown: ShownTemplate,
    call: Call,
  ): Promise<ListingEntry[]> {
    const { item, owner, prefix } = shown;
    const { listCallback } = item.resourceTemplate;
    const listed = await listCallback?.(call.contextFor(owner));
    return (listed?.resources ?? [])
      .filter(({ uri }) => this.#isReadable(uri, item))
      .map((resource) => guarded(listedEntry(resource, item, prefix), shown));
  }

  /** Tells if what is listed can be read: what is no URI can't, nor what is refused. */
  #isReadable(uri: string, item: RegisteredResourceTemplate): boolean {
    const { name, resourceTemplate: { uriTemplate } } = item;
    const why = !URL.canParse(uri)
      ? "which is no URI and can't be read"
      : uriTemplate.match(uri) !== null &&
          readingOf({ uriTemplate, item }, uri) === null
      ? "which can't be read by a template that is not unsafe"
      : undefined;
    if (why === undefined) return true;
    if (!this.#unreadable.has(uri) && this.#unreadable.size < MAX_TOLD) {
      this.#unreadable.add(uri);
      this.#options.warn(
        `resource template ${name} lists ${quote(uri)}, ${why}: it is left out`,
      );
    }
    return false;
  }

  /** A resource with a fixed URI, however the URI is spelt. */
  fixedAt(uri: string): Slot<RegisteredResource> | undefined {
    return this.fixed.slots.get(uri) ??
      this.#fixedOfForm(normalUri(uri));
  }

  #fixedOfForm(normal: string): Slot<RegisteredResource> | undefined {
    const byForm = this.#byForm ??= byForms(this.fixed.enabled());
    return byForm.get(normal) ?? byForm.get(foldHost(normal));
  }

  /** Registration under a URI, or under a template's text. */
  registeredAt(
    uri: string,
  ): Slot<RegisteredResource> | ShownTemplate | undefined {
    return this.fixedAt(uri) ?? this.findTemplate(uri);
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
    call: Call,
  ): Promise<ReadResourceResult | InputRequiredResult> {
    const url = parseUri(uri);
    const fixed = this.fixedAt(uri);
    if (fixed !== undefined) {
      const { item } = fixed;
      if (!item.enabled) throw call.era.resourceNotFound(uri);
      const admitted = enterResource(call, fixed, uri, {});
      if (admitted !== undefined) await admitted;
      aim(call, fixed, fixed.key);
      const value = await readThrough(
        item.cache,
        url.href,
        call,
        (each) => item.readCallback(url, each.contextFor(fixed.owner)),
      );
      return finishRead(value, uri, item, call);
    }
    const sourced = this.#sourced(uri);
    if (sourced !== undefined) {
      admits(call, undefined, sourced.scopes);
      aim(call, sourced);
      const context = call.contextFor(sourced.owner);
      const value = await sourced.readCallback(url, context);
      return finishRead(value, uri, sourced, call);
    }
    for (const shown of this.shownTemplates) {
      const { item, owner, uriTemplate } = shown;
      const reading = readingOf(shown, uri);
      if (reading === null) continue;
      const { variables } = reading;
      const readUrl = new URL(reading.uri);
      const admitted = enterResource(call, shown, uri, variables);
      if (admitted !== undefined) await admitted;
      aim(call, shown, String(uriTemplate));
      const value = await readThrough(
        item.cache,
        [readUrl.href, variables],
        call,
        (each) => item.readCallback(readUrl, variables, each.contextFor(owner)),
      );
      return finishRead(value, uri, item, call);
    }
    throw call.era.resourceNotFound(uri);
  }

  /** Resource read at a URI, apart from what other sources have there. */
  at(
    uri: string,
  ): Slot<RegisteredResource> | ShownTemplate | undefined {
    return this.fixedAt(uri) ??
      this.shownTemplates.find((shown) => readingOf(shown, uri) !== null);
  }

  /**
   * Tells if a caller may follow the changes of a resource.
   *
   * @throws {InsufficientScopeError}
   */
  async mayFollow(uri: string, call: Call): Promise<Following> {
    const found = this.at(uri);
    if (found === undefined) return "open";
    return await mayFollow(call, found, variablesAt(found, uri));
  }

  /** The forms in which clients may follow what has a URI: those that read the same. */
  formsOf(uri: string): string[] {
    const form = normalUri(uri);
    const folded = foldHost(form);
    return folded !== form && this.#readAlike(form, folded)
      ? [form, folded]
      : [form];
  }

  #readAlike(form: string, folded: string): boolean {
    const found = this.at(form);
    return found !== undefined && found === this.at(folded) &&
      JSON.stringify(variablesAt(found, form)) ===
        JSON.stringify(variablesAt(found, folded));
  }

  #sourced(uri: string): FoundResource | undefined {
    for (const source of this.#sources) {
      const found = source.find(uri);
      if (found !== undefined) return found;
    }
  }
}

function variablesAt(
  found: Slot<RegisteredResource> | ShownTemplate,
  uri: string,
): Variables {
  return "uriTemplate" in found ? readingOf(found, uri)!.variables : {};
}

/** A tool that reads a resource stays what its call is about. */
function aim(
  call: Call,
  { owner, record }: { owner: HandlerOwner; record?: CallRecord },
  subject?: string,
): void {
  if (call.method === "resources/read") call.aimAt(owner, subject, record);
}

function readThrough(
  cache: HandlerCache | undefined,
  input: unknown,
  call: Call,
  read: (call: Call) => unknown,
): unknown {
  return cache === undefined ? read(call) : cache.run(input, call, read);
}
