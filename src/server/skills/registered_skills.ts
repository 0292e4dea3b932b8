import type { RegisteredSkill, SkillConfig } from "./registered_skill.ts";
import type { Skill } from "./skill.ts";
import type { SkillCatalog } from "./skill_catalog.ts";

/** Skills that were registered together: the handle that their author keeps. */
export class RegisteredSkills {
  readonly #skills: SkillCatalog;
  readonly #config: SkillConfig;
  #registered: RegisteredSkill[] = [];

  /** @internal */
  constructor(skills: SkillCatalog, config: SkillConfig) {
    this.#skills = skills;
    this.#config = config;
  }

  /** The handle of each; one that `replace` changes gets a new handle. */
  get all(): readonly RegisteredSkill[] {
    return this.#registered;
  }

  /**
   * Serves these instead, all at once: those that are not among them any more go,
   * those that are the same stay as they are. If they can't be served together,
   * everything stays.
   *
   * @throws {TypeError} if two skills serve the same file
   */
  replace(skills: Iterable<Skill<never>>): void {
    const next = [...skills];
    this.#skills.check(next, this.#registered);
    const before = new Map(
      this.#registered.filter((each) => !each.removed)
        .map((each) => [each.uri, each]),
    );
    const kept = new Map(
      next.flatMap((skill) => {
        const held = before.get(skill.uri);
        return held?.skill.equals(skill) ? [[skill, held]] : [];
      }),
    );
    const hidden = new Set(
      Array.from(before.values()).filter(({ enabled }) => !enabled)
        .map(({ uri }) => uri),
    );
    const stays = new Set(kept.values());
    for (const each of before.values()) if (!stays.has(each)) each.remove();
    this.#registered = next.map((skill) =>
      kept.get(skill) ?? this.#add(skill, hidden.has(skill.uri))
    );
  }

  #add(skill: Skill<never>, hidden: boolean): RegisteredSkill {
    const added = this.#skills.insert(skill, this.#config);
    if (hidden) added.disable();
    return added;
  }

  /** Takes all of them out for good. */
  remove(): void {
    this.replace([]);
  }
}
