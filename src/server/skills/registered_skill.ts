import { readCacheHint } from "../catalog/cache_hint.ts";
import { Registration } from "../catalog/registration.ts";
import type { CacheHint } from "../../protocol/types.ts";
import type { Skill } from "./skill.ts";

/** Settings for serving a skill. */
export interface SkillConfig {
  /** Time that clients may keep its entry and what they read of it. */
  cacheHint?: CacheHint;
}

/** Changes that `update` of a skill may make. */
export interface SkillUpdates {
  /** Skill that is served from now on, at the same path or another. */
  skill?: Skill<never>;
  /** False hides it until it is enabled again. */
  enabled?: boolean;
}

/** Keeper of registered skills. */
interface Keeper {
  /** @throws {TypeError} if one of the files is served already */
  check(skills: Skill<never>[], instead: RegisteredSkill[]): void;
  /** Told after a change, with the URI until then. */
  changed(skill: RegisteredSkill, from: string): void;
}

/** A registered skill: the handle that its author keeps. */
export class RegisteredSkill extends Registration<SkillUpdates> {
  readonly #keeper: Keeper;
  #skill: Skill<never>;
  /** Time that clients may keep its entry and what they read of it. */
  readonly cacheHint: Required<CacheHint> | undefined;

  /** @internal */
  constructor(keeper: Keeper, skill: Skill<never>, { cacheHint }: SkillConfig) {
    super();
    this.#keeper = keeper;
    this.#skill = skill;
    this.cacheHint = cacheHint &&
      readCacheHint(`skill ${skill.path}`, cacheHint);
  }

  /** Skill that is served. */
  get skill(): Skill<never> {
    return this.#skill;
  }
  /** Name of the skill. */
  get name(): string {
    return this.#skill.name;
  }
  /** URI at which its `SKILL.md` is read. */
  get uri(): string {
    return this.#skill.uri;
  }

  /** Takes it out for good. */
  override remove(): void {
    this.takeOut();
    this.#keeper.changed(this, this.uri);
  }

  /**
   * Changes the skill in place and tells every client that listens.
   *
   * @throws {TypeError} if another skill serves one of the files
   */
  override update({ skill, enabled }: SkillUpdates): void {
    if (skill !== undefined) this.#keeper.check([skill], [this]);
    const from = this.uri;
    if (skill !== undefined) this.#skill = skill;
    this.show(enabled);
    this.#keeper.changed(this, from);
  }
}
