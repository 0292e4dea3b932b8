import type { JsonValue } from "./base.ts";

/** A file of a skill, with what a host verifies it by (skills extension, "Skill Entries"). */
export interface SkillResource {
  /** Where it is read. */
  uri: string;
  /** `sha256:` and the hash of its bytes, in 64 lowercase hexadecimal digits. */
  digest: string;
  /** How many bytes it has. */
  size: number;
}

/** What stands at the head of a `SKILL.md`, as JSON (Agent Skills, "Frontmatter"). */
export interface SkillFrontmatter {
  /** Lowercase letters, digits and single hyphens, 64 at most. */
  name: string;
  /** What the skill does and when to use it, for the model; 1,024 characters at most. */
  description: string;
  /** Whatever else its author wrote. */
  [field: string]: JsonValue;
}

/** A skill as `skills/list` and `skills/get` show it (skills extension, "Skill Entries"). */
export interface SkillEntry {
  /** Where its `SKILL.md` is read. */
  uri: string;
  /** The frontmatter of its `SKILL.md`. */
  frontmatter: SkillFrontmatter;
  /** All of its files, or `dynamic` if any of them is made when it is read. */
  resources: SkillResource[] | "dynamic";
}
