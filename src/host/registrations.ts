import type { SchemaLike } from "../protocol/schema.ts";
import type { Catalog } from "../server/catalog/catalog.ts";
import type {
  PromptConfig,
  PromptHandler,
  RegisteredPrompt,
} from "../server/catalog/prompt.ts";
import type {
  ReadResourceCallback,
  ReadResourceTemplateCallback,
  RegisteredResource,
  RegisteredResourceTemplate,
  ResourceConfig,
} from "../server/catalog/resource.ts";
import type { ResourceTemplate } from "../server/catalog/resource_template.ts";
import type { ToolConfig, ToolHandler } from "../server/catalog/tool_config.ts";
import type { RegisteredTool } from "../server/catalog/tool.ts";
import type { WorkerToolConfig } from "../server/catalog/tool_worker.ts";
import type {
  RegisteredSkill,
  SkillConfig,
} from "../server/skills/registered_skill.ts";
import { RegisteredSkills } from "../server/skills/registered_skills.ts";
import type { Skill } from "../server/skills/skill.ts";

/** Registers what a server has to offer: tools, resources, prompts and skills. */
export abstract class Registrations<Lifespan = unknown> {
  readonly #catalog: Catalog;

  /** @internal */
  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /**
   * Registers a tool: something that a model can do.
   *
   * @throws {TypeError} if the name is taken
   * @throws {InvalidOptionError} if a schema or an option can't be used
   */
  registerTool<
    Input extends SchemaLike | undefined = undefined,
    Output extends SchemaLike | undefined = undefined,
  >(
    name: string,
    config: ToolConfig<Input, Output>,
    handler: ToolHandler<Input, Lifespan, Output>,
  ): RegisteredTool;
  /**
   * Registers a tool that computes in workers, off the event loop.
   *
   * @throws {TypeError} if the name is taken
   * @throws {InvalidOptionError} if a schema or an option can't be used
   *
   * @example
   * ```ts
   * import { McpServer } from "@sluice/mcp";
   * import { z } from "zod";
   *
   * const server = new McpServer({ name: "reports", version: "1.0.0" });
   * server.registerTool("report", {
   *   inputSchema: z.object({ rows: z.number().int() }),
   *   worker: new URL("./report.ts", import.meta.url),
   * });
   * ```
   */
  registerTool<
    Input extends SchemaLike | undefined = undefined,
    Output extends SchemaLike | undefined = undefined,
  >(name: string, config: WorkerToolConfig<Input, Output>): RegisteredTool;
  registerTool(
    name: string,
    config: ToolConfig<SchemaLike | undefined>,
    handler?: unknown,
  ): RegisteredTool {
    return this.#catalog.addTool(
      name,
      config,
      handler as ((...args: unknown[]) => unknown) | undefined,
    );
  }

  // First, as the compiler types a template's callbacks by the first it tries.
  /** Registers a family of resources. */
  registerResource(
    name: string,
    template: ResourceTemplate<Lifespan>,
    config: ResourceConfig,
    read: ReadResourceTemplateCallback<Lifespan>,
  ): RegisteredResourceTemplate;
  /** Registers a resource at a fixed URI: something that a client can read. */
  registerResource(
    name: string,
    uri: string,
    config: ResourceConfig,
    read: ReadResourceCallback<Lifespan>,
  ): RegisteredResource;
  registerResource(
    name: string,
    place: string | ResourceTemplate<Lifespan>,
    config: ResourceConfig,
    read:
      | ReadResourceCallback<Lifespan>
      | ReadResourceTemplateCallback<Lifespan>,
  ): RegisteredResource | RegisteredResourceTemplate {
    const { resources } = this.#catalog;
    return typeof place === "string"
      ? resources.add(name, place, config, read as ReadResourceCallback)
      : resources.addTemplate(
        name,
        place as ResourceTemplate,
        config,
        read as ReadResourceTemplateCallback,
      );
  }

  /** Registers a prompt: something that a user can start from. */
  registerPrompt<Args extends SchemaLike | undefined = undefined>(
    name: string,
    config: PromptConfig<Args>,
    handler: PromptHandler<Args, Lifespan>,
  ): RegisteredPrompt {
    return this.#catalog.addPrompt(
      name,
      config as PromptConfig<SchemaLike | undefined>,
      handler as (...args: unknown[]) => unknown,
    );
  }

  /**
   * Registers a skill: instructions that a model can load, and their files.
   *
   * @throws {TypeError} if another skill serves one of the files
   * @throws {InvalidOptionError} if a cache hint can't be used
   */
  registerSkill(skill: Skill<Lifespan>, config?: SkillConfig): RegisteredSkill {
    return this.#catalog.skills.add(skill, config);
  }

  /**
   * Registers many skills, such as those of a folder, which can be replaced by
   * others all at once.
   *
   * @throws {TypeError} if two skills serve the same file
   * @throws {InvalidOptionError} if a cache hint can't be used
   *
   * @example
   * ```ts
   * import { McpServer, readSkills } from "@sluice/mcp";
   *
   * const server = new McpServer({ name: "guide", version: "1.0.0" });
   * const skills = server.registerSkills(await readSkills("examples/skills"));
   * // After the folder has changed:
   * skills.replace(await readSkills("examples/skills"));
   * ```
   */
  registerSkills(
    skills: Iterable<Skill<Lifespan>>,
    config: SkillConfig = {},
  ): RegisteredSkills {
    const registered = new RegisteredSkills(
      this.#catalog.skills,
      config,
    );
    registered.replace(skills);
    return registered;
  }
}
