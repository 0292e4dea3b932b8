import type { CacheHint } from "../../protocol/types.ts";
import { checkCacheHint } from "./cache_hint.ts";
import { Collection, entriesOf } from "./collection.ts";
import type { Engine } from "../calls/dispatcher.ts";
import { Listing } from "./listing.ts";
import { type PromptConfig, RegisteredPrompt } from "./prompt.ts";
import { ResourceShelf } from "./resource_catalog.ts";
import { SkillShelf } from "../skills/skill_catalog.ts";
import { RegisteredTool } from "./tool.ts";
import type { ToolConfig } from "./tool_config.ts";
import type { SchemaLike } from "../../protocol/schema.ts";

/** The results that a server gives hints for, by method. */
export type CacheHints = Partial<
  Record<
    | "server/discover"
    | "tools/list"
    | "prompts/list"
    | "resources/list"
    | "resources/templates/list"
    | "resources/read"
    | "resources/directory/read"
    | "skills/list"
    | "skills/get",
    CacheHint
  >
>;

/** Which list has changed. */
export type ListKind = "tools" | "prompts" | "resources";

/** Everything a server has to offer. One registry serves every request. */
export class Registry {
  readonly tools: Collection<RegisteredTool>;
  readonly prompts: Collection<RegisteredPrompt>;
  readonly resources: ResourceShelf;
  readonly skills: SkillShelf;
  readonly toolList: Listing;
  readonly promptList: Listing;
  readonly #engine: Engine;

  constructor(
    engine: Engine,
    pageSize: number,
    hints: CacheHints,
    onChange: (kind: ListKind) => void,
  ) {
    this.#engine = engine;
    const underscore = (prefix: string, key: string) => `${prefix}_${key}`;
    this.tools = new Collection<RegisteredTool>(
      "Tool",
      engine,
      underscore,
      () => {
        this.toolList?.invalidate();
        onChange("tools");
      },
    );
    this.prompts = new Collection<RegisteredPrompt>(
      "Prompt",
      engine,
      underscore,
      () => {
        this.promptList?.invalidate();
        onChange("prompts");
      },
    );
    this.resources = new ResourceShelf(
      engine,
      pageSize,
      hints,
      () => onChange("resources"),
    );
    this.skills = new SkillShelf(
      engine,
      pageSize,
      hints,
      () => this.resources.changed(),
    );
    this.resources.addSource(this.skills);
    this.toolList = new Listing(
      "tools",
      entriesOf(this.tools, ({ key, item }) => item.entry(key)),
      pageSize,
      checkCacheHint(hints["tools/list"], "cacheHints: tools/list"),
    );
    this.promptList = new Listing(
      "prompts",
      entriesOf(this.prompts, ({ key, item }) => item.entry(key)),
      pageSize,
      checkCacheHint(hints["prompts/list"], "cacheHints: prompts/list"),
    );
  }

  addTool(
    name: string,
    config: ToolConfig<SchemaLike | undefined>,
    handler: (...args: unknown[]) => unknown,
  ): RegisteredTool {
    const tool = new RegisteredTool(
      {
        clock: this.#engine.clock,
        disposeLater: (resource) => this.#engine.disposeLater(resource),
        warn: (message) => this.#engine.warn(message),
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

  mount(prefix: string, other: Registry): void {
    this.tools.mount(prefix, other.tools);
    this.prompts.mount(prefix, other.prompts);
    this.resources.mount(prefix, other.resources);
    this.skills.mount(prefix, other.skills);
  }

  /** Whether any prompt argument or template variable has a completer. */
  get completes(): boolean {
    return Array.from(this.prompts.enabled()).some(({ item }) =>
      item.completes
    ) ||
      this.resources.completes;
  }
}
