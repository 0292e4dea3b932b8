import { option, type OptionRules, readOptions } from "../base/option_rules.ts";
import {
  Skill,
  SKILL_LIMITS,
  type SkillFiles,
  type SkillLimits,
} from "../server/skills/skill.ts";
import { InvalidSkillError } from "../server/skills/skill_errors.ts";
import { MANIFEST } from "../server/skills/skill_uri.ts";

/** Settings for reading a folder of skills. */
export interface ReadSkillsOptions extends SkillLimits {
  /**
   * Segments in front of every skill's path: `acme/billing` serves the folder
   * `refunds` as `skill://acme/billing/refunds/SKILL.md`.
   * @default none
   */
  prefix?: string;
  /**
   * Told of each skill that can't be served; the others are served without it.
   * @default all that is wrong is thrown
   */
  onInvalid?: (error: InvalidSkillError) => void;
}

const READ_SKILLS_OPTIONS = {
  ...SKILL_LIMITS,
  prefix: option.any(""),
  onInvalid: option.function<ReadSkillsOptions["onInvalid"]>(undefined),
} satisfies OptionRules<ReadSkillsOptions>;

/** A folder with a `SKILL.md` in it, and what has been found there. */
interface SkillFolder {
  readonly segments: readonly string[];
  readonly directory: string;
  readonly files: string[];
  readonly problems: string[];
}

/**
 * Reads a folder of skills: each folder in it, at any depth, that holds a
 * `SKILL.md` is a skill and must be named as its `SKILL.md` says. What the folders
 * hold is kept in memory, so that clients read just what was checked. Names that
 * begin with a dot are left out. Symbolic links are not followed: a skill that is
 * one, or has one, can't be served. A folder that holds a `SKILL.md` itself is read
 * as one skill.
 *
 * @throws {InvalidSkillError} with all that is wrong, unless `onInvalid` is given
 * @throws {Deno.errors.NotFound} if there is no such folder
 *
 * @example
 * ```ts
 * import { McpServer, readSkills } from "@sluice/mcp";
 *
 * const server = new McpServer({ name: "guide", version: "1.0.0" });
 * server.registerSkills(await readSkills("examples/skills"));
 * ```
 */
export async function readSkills(
  directory: string | URL,
  options: ReadSkillsOptions = {},
): Promise<Skill[]> {
  const { prefix, onInvalid, ...limits } = readOptions(
    "readSkills",
    options,
    READ_SKILLS_OPTIONS,
  );
  const root = await Deno.realPath(directory);
  const skills: Skill[] = [];
  const errors: InvalidSkillError[] = [];
  for (
    const folder of await findSkills(root, prefix ? prefix.split("/") : [])
  ) {
    try {
      skills.push(await readSkill(folder, limits));
    } catch (error) {
      if (!(error instanceof InvalidSkillError)) throw error;
      errors.push(error);
    }
  }
  if (onInvalid !== undefined) errors.forEach((error) => onInvalid(error));
  else if (errors.length === 1) throw errors[0];
  else if (errors.length > 1) {
    throw new InvalidSkillError(
      `folder ${root}`,
      errors.map(({ message }) => message),
    );
  }
  return skills;
}

async function findSkills(
  root: string,
  prefix: string[],
): Promise<SkillFolder[]> {
  const found: SkillFolder[] = [];
  const entries = await entriesOf(root);
  const segments = entries.some(isManifest)
    ? [...prefix, nameOf(root)]
    : prefix;
  await visit(root, segments, undefined, found);
  return found;
}

/** The last part of a path, whichever way its system writes them. */
function nameOf(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== "") ?? path;
}

/** Looks through a directory for skills, and for the files of the skill it is in. */
async function visit(
  directory: string,
  segments: readonly string[],
  within: SkillFolder | undefined,
  found: SkillFolder[],
): Promise<void> {
  const entries = await entriesOf(directory);
  let skill = within;
  if (entries.some(isManifest)) {
    skill = { segments, directory, files: [], problems: [] };
    found.push(skill);
  }
  for (const entry of entries) {
    const path = [...segments, entry.name];
    if (entry.isDirectory) {
      await visit(`${directory}/${entry.name}`, path, skill, found);
      continue;
    }
    const file = path.slice(skill?.segments.length).join("/");
    if (entry.isFile) skill?.files.push(file);
    else if (skill !== undefined) {
      skill.problems.push(`${file} ${refusalOf(entry)}`);
    } else {
      found.push({
        segments: path,
        directory,
        files: [],
        problems: [`it ${refusalOf(entry)}`],
      });
    }
  }
}

function isManifest({ name, isDirectory }: Deno.DirEntry): boolean {
  return name === MANIFEST && !isDirectory;
}

function refusalOf({ isSymlink }: Deno.DirEntry): string {
  return isSymlink
    ? "is a symbolic link, which is not followed: put a copy there"
    : "is neither a file nor a folder";
}

async function entriesOf(directory: string): Promise<Deno.DirEntry[]> {
  const entries: Deno.DirEntry[] = [];
  for await (const entry of Deno.readDir(directory)) {
    if (!entry.name.startsWith(".")) entries.push(entry);
  }
  return entries.sort((a, b) => a.name < b.name ? -1 : 1);
}

async function readSkill(
  folder: SkillFolder,
  limits: Required<SkillLimits>,
): Promise<Skill> {
  const path = folder.segments.join("/");
  const problems = [...folder.problems, ...await sizeProblems(folder, limits)];
  if (problems.length > 0) throw new InvalidSkillError(path, problems);
  const files: SkillFiles = Object.create(null);
  for (const file of folder.files) {
    files[file] = await Deno.readFile(`${folder.directory}/${file}`);
  }
  return await Skill.from(files, { ...limits, path });
}

/** Looks before it reads: what is too large for a skill may be for the memory too. */
async function sizeProblems(
  { directory, files }: SkillFolder,
  { maxFiles, maxBytes }: Required<SkillLimits>,
): Promise<string[]> {
  if (files.length > maxFiles) {
    return [`it has ${files.length} files, and may have ${maxFiles}`];
  }
  let bytes = 0;
  for (const file of files) {
    bytes += (await Deno.stat(`${directory}/${file}`)).size;
  }
  return bytes > maxBytes
    ? [`its files have ${bytes} bytes, and may have ${maxBytes}`]
    : [];
}
