import type { ReadResourceResult } from "../../protocol/types.ts";
import type { CatalogOptions, ListKind } from "./catalog_options.ts";
import { Collection, entriesOf } from "./collection.ts";
import { neededFor } from "../calls/access_check.ts";
import type { Call, HandlerOwner } from "../calls/call.ts";
import { PROMPT_PREFIX, RESOURCE_PREFIX } from "../calls/call_recorder.ts";
import { Listing } from "./listing.ts";
import { type PromptConfig, RegisteredPrompt } from "./prompt.ts";
import { ResourceCatalog } from "./resource_catalog.ts";
import { SkillCatalog } from "../skills/skill_catalog.ts";
import { RegisteredTool } from "./tool.ts";
import type { ToolConfig } from "./tool_config.ts";
import type { SchemaLike } from "../../protocol/schema.ts";

/** Everything a server has to offer. One catalog serves every call. */
export class Catalog implements HandlerOwner {
  readonly scopes: HandlerOwner["scopes"];
  readonly lifespan: HandlerOwner["lifespan"];
  readonly verifyState: HandlerOwner["verifyState"];
  readonly tools: Collection<RegisteredTool>;
  readonly prompts: Collection<RegisteredPrompt>;
  readonly resources: ResourceCatalog;
  readonly skills: SkillCatalog;
  readonly toolList: Listing;
  readonly promptList: Listing;
  readonly #options: CatalogOptions;

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.scopes = options.scopes;
    this.lifespan = options.lifespan;
    this.verifyState = options.verifyState;
    const { hints, pageSize } = options;
    this.toolList = new Listing({
      field: "tools",
      pageSize,
      hint: hints["tools/list"],
      entries: () => entriesOf(this.tools, ({ key, item }) => item.entry(key)),
    });
    this.promptList = new Listing({
      field: "prompts",
      pageSize,
      hint: hints["prompts/list"],
      entries: () =>
        entriesOf(this.prompts, ({ key, item }) => item.entry(key)),
    });
    this.tools = this.#collection("Tool", "tools", this.toolList);
    this.prompts = this.#collection("Prompt", "prompts", this.promptList);
    this.resources = new ResourceCatalog(this, options);
    this.skills = new SkillCatalog(this, {
      ...options,
      changed: () => this.resources.changed(),
    });
    this.resources.addSource(this.skills);
  }

  #collection<Item extends RegisteredTool | RegisteredPrompt>(
    kind: string,
    listKind: ListKind,
    list: Listing,
  ): Collection<Item> {
    return new Collection<Item>({
      kind,
      owner: this,
      prefix: (prefix, key) => `${prefix}_${key}`,
      changed: () => {
        list.invalidate();
        this.#options.changed(listKind);
      },
      warn: this.#options.warn,
    });
  }

  addTool(
    name: string,
    config: ToolConfig<SchemaLike | undefined>,
    handler: ((...args: unknown[]) => unknown) | undefined,
  ): RegisteredTool {
    const { clock, admission, disposeLater, limitRate, outcomes, warn } =
      this.#options;
    const tool = new RegisteredTool(
      {
        clock,
        admission,
        disposeLater,
        limitRate,
        outcomes,
        warn,
        toolChanged: (changed, from) =>
          this.tools.move(changed, from, changed.name),
      },
      name,
      config,
      handler,
    );
    this.tools.add(name, tool);
    return tool;
  }

  addPrompt(
    name: string,
    config: PromptConfig<SchemaLike | undefined>,
    handler: (...args: unknown[]) => unknown,
  ): RegisteredPrompt {
    const prompt = new RegisteredPrompt(
      (changed, from) => this.prompts.move(changed, from, changed.name),
      name,
      config,
      handler,
    );
    this.prompts.add(name, prompt);
    return prompt;
  }

  mount(prefix: string, other: Catalog): void {
    this.tools.mount(prefix, other.tools);
    this.prompts.mount(prefix, other.prompts);
    this.resources.mount(prefix, other.resources);
    this.skills.mount(prefix, other.skills);
  }

  /** Tells if there is a tool or a prompt of a name. */
  has(kind: "tools" | "prompts", name: string): boolean {
    return this[kind].slots.has(name);
  }

  /** True if any prompt argument or template variable has a completer. */
  get completes(): boolean {
    return this.prompts.enabled().some(({ item }) => item.completes) ||
      this.resources.completes;
  }

  /** The scopes of what a call is for, for a challenge that names them all. */
  scopesFor({ method, params: { name, uri } }: Call): readonly string[] {
    const slot = method === "tools/call"
      ? this.tools.slots.get(name as string)
      : method === "prompts/get"
      ? this.prompts.slots.get(name as string)
      : method === "resources/read"
      ? this.resources.at(String(uri))
      : undefined;
    // What is hidden must not show by what it needs.
    return slot === undefined || slot.item.guard?.hidden === true
      ? []
      : neededFor(slot);
  }

  readResource(uri: string, call: Call): Promise<ReadResourceResult> {
    return this.resources.read(uri, call) as Promise<ReadResourceResult>;
  }

  /** Code that the calls of such a name run, as the watchdog has it. */
  // deno-lint-ignore ban-types -- it is only looked up in profiles
  handlerNamed(name: string): Function | undefined {
    const tool = this.tools.slots.get(name);
    if (tool !== undefined) return tool.item.handler;
    if (name.startsWith(PROMPT_PREFIX)) {
      const prompt = name.slice(PROMPT_PREFIX.length);
      return this.prompts.slots.get(prompt)?.item.handler;
    }
    if (!name.startsWith(RESOURCE_PREFIX)) return undefined;
    return this.resources.registeredAt(name.slice(RESOURCE_PREFIX.length))
      ?.item.readCallback;
  }
}
