import { SKILLS_EXTENSION } from "../../protocol/revision.ts";
import type { Extension } from "../extension.ts";
import type { Method } from "../catalog/catalog_methods.ts";
import type { SkillShelf } from "./skill_catalog.ts";

/** The skills extension (SEP-2640): there as soon as the server has a skill. */
export class SkillsExtension implements Extension {
  readonly id = SKILLS_EXTENSION;
  readonly settings = { directoryRead: true };
  readonly methods: ReadonlyMap<string, Method>;
  readonly #shelf: SkillShelf;

  constructor(shelf: SkillShelf) {
    this.#shelf = shelf;
    this.methods = new Map<string, Method>([
      ["skills/list", ({ params }) => shelf.page(params.cursor)],
      ["skills/get", ({ params }) => shelf.get(params.uri)],
      [
        "resources/directory/read",
        ({ params }) => shelf.readDirectory(params.uri, params.cursor),
      ],
    ]);
  }

  get active(): boolean {
    return this.#shelf.size > 0;
  }
}
