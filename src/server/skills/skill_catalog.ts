import { quote } from "../../base/options.ts";
import { jsonText } from "../../protocol/json_value.ts";
import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import { Collection } from "../catalog/collection.ts";
import type { HandlerOwner } from "../calls/call.ts";
import {
  Listing,
  type ListingEntry,
  pageOf,
  type PageOptions,
} from "../catalog/listing.ts";
import { ReadyJson } from "../eras/ready_json.ts";
import type { Caller } from "../identity/caller.ts";
import { requireScopes } from "../identity/guard.ts";
import type { CatalogOptions } from "../catalog/catalog_options.ts";
import type {
  FoundResource,
  ResourceSource,
} from "../catalog/resource_source.ts";
import { prefixUri } from "../catalog/resource_uri.ts";
import { RegisteredSkill, type SkillConfig } from "./registered_skill.ts";
import { MAX_SKILL_BYTES, MAX_SKILL_FILES, type Skill } from "./skill.ts";
import { resourceOf, SkillIndex } from "./skill_index.ts";
import { canonicalUri, foldersOf } from "./skill_uri.ts";

/** Parts of their server that the skills need. */
export interface SkillCatalogOptions
  extends Pick<CatalogOptions, "hints" | "pageSize" | "warn"> {
  /** Told of every change. */
  changed(): void;
}

/** The skills of a server, and their files as resources. */
export class SkillCatalog implements ResourceSource {
  readonly #skills: Collection<RegisteredSkill>;
  readonly #list: Listing;
  readonly #owner: HandlerOwner;
  readonly #options: SkillCatalogOptions;
  readonly #directoryPage: PageOptions;
  #indexed: SkillIndex | undefined;

  constructor(owner: HandlerOwner, options: SkillCatalogOptions) {
    this.#owner = owner;
    this.#options = options;
    const { hints, pageSize, warn } = options;
    this.#directoryPage = {
      field: "resources",
      pageSize,
      hint: hints["resources/directory/read"],
    };
    this.#list = new Listing({
      field: "skills",
      pageSize,
      hint: hints["skills/list"],
      entries: () =>
        Array.from(this.#index.skills.values(), ({ entry }) => lineOf(entry)),
    });
    this.#skills = new Collection({
      kind: "Skill",
      owner,
      prefix: prefixUri,
      changed: () => {
        this.#indexed = undefined;
        this.#list.invalidate();
        options.changed();
      },
      warn,
    });
  }

  get size(): number {
    return this.#skills.size;
  }

  /** @throws {TypeError} if one of its files is served already */
  add(skill: Skill<never>, config: SkillConfig = {}): RegisteredSkill {
    this.check([skill], []);
    return this.insert(skill, config);
  }

  /** Adds a skill that `check` has let through. */
  insert(skill: Skill<never>, config: SkillConfig): RegisteredSkill {
    const registered = new RegisteredSkill(
      {
        check: (skills, instead) => this.check(skills, instead),
        changed: (changed, from) =>
          this.#skills.move(changed, from, changed.uri),
      },
      skill,
      config,
    );
    this.#skills.add(skill.uri, registered);
    return registered;
  }

  /**
   * Sees that skills can be served, together and beside those that are.
   *
   * @param instead registered skills that will have gone by then
   * @throws {TypeError} if two of them serve the same file
   */
  check(
    skills: readonly Skill<never>[],
    instead: readonly RegisteredSkill[],
  ): void {
    const going = new Set(instead);
    const byPath = new Map<string, Skill<never>>();
    for (const { item, owner } of this.#skills.slots.values()) {
      if (owner !== this.#owner || going.has(item)) continue;
      byPath.set(item.skill.path, item.skill);
    }
    for (const skill of skills) {
      if (byPath.has(skill.path)) {
        throw new TypeError(`Skill ${skill.path} is already registered`);
      }
      byPath.set(skill.path, skill);
    }
    for (const inner of byPath.values()) {
      for (const path of foldersOf(inner.path)) {
        const outer = byPath.get(path);
        const file = outer && sharedFile(outer, inner);
        if (file === undefined) continue;
        throw new TypeError(
          `skills ${path} and ${inner.path} would both serve ${path}/${file}`,
        );
      }
    }
  }

  mount(prefix: string, other: SkillCatalog): void {
    this.#skills.mount(prefix, other.#skills);
  }

  get #index(): SkillIndex {
    if (this.#indexed === undefined) {
      this.#indexed = new SkillIndex(this.#skills.enabled());
      this.#warnOfSize(this.#indexed);
    }
    return this.#indexed;
  }

  /** A skill may be small enough by itself and not with those inside it. */
  #warnOfSize({ skills }: SkillIndex): void {
    for (const { entry: { uri, resources } } of skills.values()) {
      if (resources === "dynamic") continue;
      const bytes = resources.reduce((sum, { size }) => sum + size, 0);
      if (resources.length > MAX_SKILL_FILES || bytes > MAX_SKILL_BYTES) {
        this.#options.warn(
          `${uri} has ${resources.length} files and ${bytes} bytes: ` +
            `some hosts take no more than ${MAX_SKILL_FILES} and ${MAX_SKILL_BYTES}`,
        );
      }
    }
  }

  /** One page of `skills/list`. */
  page(cursor: unknown): ReadyJson {
    return this.#list.page(cursor);
  }

  /**
   * @throws {InsufficientScopeError}
   * @throws {InvalidParamsError} if no skill's `SKILL.md` is there
   */
  get(uri: unknown, caller: Caller | undefined): ReadyJson {
    const found = at(this.#index.skills, textOf(uri));
    if (found === undefined) {
      throw new InvalidParamsError(`No skill is served at ${uri}`, { uri });
    }
    const { slot, entry } = found;
    requireScopes(caller, slot.scopes);
    const { ttlMs, cacheScope } = slot.item.cacheHint ??
      this.#options.hints["skills/get"];
    const text = `{"skill":${jsonText(entry)}`;
    return new ReadyJson(
      `${text},"ttlMs":${ttlMs},"cacheScope":"${cacheScope}"`,
      text,
    );
  }

  /**
   * @throws {InsufficientScopeError}
   * @throws {InvalidParamsError} if there is no such directory
   */
  readDirectory(
    uri: unknown,
    cursor: unknown,
    caller: Caller | undefined,
  ): ReadyJson {
    const directory = at(this.#index.directories, textOf(uri));
    if (directory === undefined) {
      throw new InvalidParamsError(`${uri} is not a directory resource`, {
        uri,
      });
    }
    requireScopes(caller, directory.scopes);
    return pageOf(this.#directoryPage, directory.children.map(lineOf), cursor);
  }

  /** Each `SKILL.md`, for `resources/list`; their other files are found from there. */
  *entries(): Iterable<ListingEntry> {
    const { skills, files } = this.#index;
    for (const uri of skills.keys()) yield lineOf(resourceOf(files.get(uri)!));
  }

  find(uri: string): FoundResource | undefined {
    if (this.size === 0) return undefined;
    const found = at(this.#index.files, uri);
    if (found === undefined) return undefined;
    const { file, slot: { item, owner, scopes } } = found;
    return {
      owner,
      scopes,
      readCallback: file.read as FoundResource["readCallback"],
      metadata: { mimeType: file.mimeType },
      cacheHint: item.cacheHint ?? this.#options.hints["resources/read"],
    };
  }
}

/** Value at a URI, however the URI is spelt. */
function at<Value>(
  map: ReadonlyMap<string, Value>,
  uri: string,
): Value | undefined {
  return map.get(uri) ?? map.get(canonicalUri(uri) ?? uri);
}

function textOf(uri: unknown): string {
  if (typeof uri === "string") return uri;
  throw new InvalidParamsError(
    `Invalid params: uri must be a string, got ${quote(uri)}`,
  );
}

function lineOf(value: { uri: string }): ListingEntry {
  const text = jsonText(value);
  return { key: value.uri, modern: text, legacy: text };
}

/** The path of a file that a skill and one within it would both serve. */
function sharedFile(
  outer: Skill<never>,
  inner: Skill<never>,
): string | undefined {
  const folder = inner.path.slice(outer.path.length + 1);
  for (const file of outer.files.keys()) {
    const shared = file === folder || folder.startsWith(`${file}/`) ||
      (file.startsWith(`${folder}/`) &&
        inner.files.has(file.slice(folder.length + 1)));
    if (shared) return file;
  }
}
