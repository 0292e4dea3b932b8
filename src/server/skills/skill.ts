import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import { thrownText } from "../../base/thrown.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";
import type { SkillFrontmatter } from "../../protocol/types.ts";
import { frontmatterProblems, parseFrontmatter } from "./frontmatter.ts";
import { InvalidSkillError } from "./skill_errors.ts";
import {
  makeSkillFile,
  sizeOf,
  type SkillContent,
  type SkillFile,
  toText,
} from "./skill_file.ts";
import { foldersOf, MANIFEST, pathProblem, skillUri } from "./skill_uri.ts";

/** Files that all hosts must take, few more (skills extension, "Limits"). */
export const MAX_SKILL_FILES = 512;
/** Likewise for all the files of a skill together. */
export const MAX_SKILL_BYTES = 16_777_216;

/** The files of a skill by their paths in it, `SKILL.md` among them. */
export type SkillFiles<Lifespan = unknown> = Record<
  string,
  SkillContent<Lifespan>
>;

/** Limits on the size of a skill. */
export interface SkillLimits {
  /**
   * Number of files a skill may have; hosts need not take more than the
   * default.
   * @default 512
   */
  maxFiles?: number;
  /**
   * Number of bytes its files may have together; hosts need not take more than
   * the default.
   * @default 16777216
   */
  maxBytes?: number;
}

/** Settings for where a skill is served, and how large it may be. */
export interface SkillOptions extends SkillLimits {
  /**
   * Path at which the skill is served: `acme/billing/refunds` for
   * `skill://acme/billing/refunds/SKILL.md`. Ends with the skill's name.
   * @default the skill's name
   */
  path?: string;
}

/** How the limits are read. */
export const SKILL_LIMITS = {
  maxFiles: option.limit(MAX_SKILL_FILES, 1),
  maxBytes: option.limit(MAX_SKILL_BYTES, 1),
} satisfies OptionRules<SkillLimits>;

const SKILL_OPTIONS = {
  ...SKILL_LIMITS,
  path: option.optional<string>(),
} satisfies OptionRules<SkillOptions>;

/**
 * A skill (agentskills.io): instructions for a model in a `SKILL.md`, and the
 * files they speak of. It is checked when it is made and never changes.
 *
 * @example
 * ```ts
 * import { McpServer, Skill } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "git", version: "1.0.0" });
 * server.registerSkill(
 *   await Skill.from({
 *     "SKILL.md": `---
 * name: git-workflow
 * description: How this team names branches and writes commits
 * ---
 * Start from references/COMMITS.md.
 * `,
 *     "references/COMMITS.md": "One line of at most 72 characters, then why.",
 *   }),
 * );
 * ```
 */
export class Skill<Lifespan = unknown> {
  /** Path at which it is served, such as `acme/billing/refunds`. */
  readonly path: string;
  /** Frontmatter of its `SKILL.md`. */
  readonly frontmatter: SkillFrontmatter;
  /** Its files by their paths in it, in the order of the paths. */
  readonly files: ReadonlyMap<string, SkillFile<Lifespan>>;

  private constructor(
    path: string,
    frontmatter: SkillFrontmatter,
    files: readonly SkillFile<Lifespan>[],
  ) {
    this.path = path;
    this.frontmatter = frontmatter;
    this.files = new Map(files.map((file) => [file.path, file]));
  }

  /**
   * Makes a skill of its files: text, bytes, or for what differs each time a
   * function that reads it as a resource's does. A skill with such a function in
   * it has no digests that a host could check, and some hosts decline it.
   *
   * @throws {InvalidSkillError} with all that is wrong with it
   * @throws {InvalidOptionError} naming the option
   */
  static async from<Lifespan = unknown>(
    files: SkillFiles<Lifespan>,
    options: SkillOptions = {},
  ): Promise<Skill<Lifespan>> {
    const read = readOptions("Skill", options, SKILL_OPTIONS);
    const frontmatter = await readManifest(files[MANIFEST], read.path);
    const { name } = frontmatter;
    const { path = name } = read;
    const problems = [
      ...frontmatterProblems(frontmatter),
      ...pathProblems(path, name),
      ...fileProblems(files),
      ...sizeProblems(files, read),
    ];
    if (problems.length > 0) {
      throw new InvalidSkillError(String(path ?? "without a name"), problems);
    }
    const made = await Promise.all(
      Object.entries(files).toSorted(([a], [b]) => a < b ? -1 : 1)
        .map(([each, content]) => makeSkillFile(each, content)),
    );
    return new Skill(path as string, frontmatter as SkillFrontmatter, made);
  }

  /** Name of the skill: the last segment of its path. */
  get name(): string {
    return this.frontmatter.name;
  }

  /** Description of what it does and when to use it. */
  get description(): string {
    return this.frontmatter.description;
  }

  /** URI at which its `SKILL.md` is read. */
  get uri(): string {
    return skillUri(this.path, MANIFEST);
  }

  /** Tells if another skill is the same to the last byte. */
  equals(other: Skill<never>): boolean {
    return this.path === other.path && this.files.size === other.files.size &&
      Array.from(this.files.values()).every(({ path, fixed }) =>
        fixed !== undefined &&
        fixed.digest === other.files.get(path)?.fixed?.digest
      );
  }
}

async function readManifest(
  content: SkillContent<never> | undefined,
  path = "without a name",
): Promise<JsonObject> {
  const refuse = (problem: string, options?: ErrorOptions) =>
    new InvalidSkillError(path, [`${MANIFEST} ${problem}`], options);
  if (content === undefined) {
    throw refuse("is missing; it is spelt like this, in capitals");
  }
  if (typeof content !== "string" && !(content instanceof Uint8Array)) {
    throw refuse("must be text: what it says of the skill is listed");
  }
  const text = toText(content);
  if (text === undefined) throw refuse("must be UTF-8");
  try {
    return await parseFrontmatter(text);
  } catch (error) {
    throw refuse(thrownText(error), { cause: error });
  }
}

function pathProblems(path: unknown, name: unknown): string[] {
  if (typeof path !== "string" || typeof name !== "string") return [];
  const problem = pathProblem(path);
  if (problem !== undefined) return [`path ${JSON.stringify(path)} ${problem}`];
  return path.split("/").at(-1) === name ? [] : [
    `path ${JSON.stringify(path)} must end with the name in ${MANIFEST}, ${
      JSON.stringify(name)
    }`,
  ];
}

function fileProblems(files: SkillFiles<never>): string[] {
  return Object.entries(files).flatMap(([path, content]) => {
    const file = `file ${JSON.stringify(path)}`;
    const problem = pathProblem(path);
    if (problem !== undefined) return [`${file} ${problem}`];
    if (!isContent(content)) {
      return [`${file} must be text, bytes or a function`];
    }
    const folder = foldersOf(path).find((each) => Object.hasOwn(files, each));
    return folder === undefined
      ? []
      : [`file ${JSON.stringify(folder)} is a folder at the same time`];
  });
}

function isContent(content: unknown): boolean {
  return typeof content === "string" || content instanceof Uint8Array ||
    typeof content === "function";
}

function sizeProblems(
  files: SkillFiles<never>,
  { maxFiles, maxBytes }: Required<SkillLimits>,
): string[] {
  const contents = Object.values(files).filter(isContent);
  const bytes = contents.reduce((sum, each) => sum + sizeOf(each), 0);
  return [
    ...(contents.length > maxFiles
      ? [`it has ${contents.length} files, and may have ${maxFiles}`]
      : []),
    ...(bytes > maxBytes
      ? [`its files have ${bytes} bytes, and may have ${maxBytes}`]
      : []),
  ];
}
