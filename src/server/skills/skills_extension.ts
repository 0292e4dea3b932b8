import { SKILLS_EXTENSION } from "../../protocol/revision.ts";
import type { Extension, ExtensionMethod } from "../extension.ts";
import type { SkillCatalog } from "./skill_catalog.ts";

/** The skills extension (SEP-2640): there as soon as the server has a skill. */
export class SkillsExtension implements Extension {
  readonly id = SKILLS_EXTENSION;
  readonly settings = { directoryRead: true };
  readonly methods: Readonly<Record<string, ExtensionMethod>>;
  readonly #skills: SkillCatalog;

  constructor(skills: SkillCatalog) {
    this.#skills = skills;
    this.methods = {
      "skills/list": ({ cursor }) => skills.page(cursor),
      "skills/get": ({ uri }, { caller }) => skills.get(uri, caller),
      "resources/directory/read": ({ uri, cursor }, { caller }) =>
        skills.readDirectory(uri, cursor, caller),
    };
  }

  get active(): boolean {
    return this.#skills.size > 0;
  }
}
