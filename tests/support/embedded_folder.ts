import { PostgresPool } from "../../src/pool/postgres/postgres_pool.ts";

/** A folder with an embedded database, which takes seconds to make and none to copy. */
export class EmbeddedFolder implements AsyncDisposable {
  readonly #parent: string;

  private constructor(parent: string) {
    this.#parent = parent;
  }

  static async make(): Promise<EmbeddedFolder> {
    const folder = new EmbeddedFolder(await EmbeddedFolder.#newParent());
    const db = await PostgresPool.connect(folder.url);
    await db.close();
    return folder;
  }

  get url(): string {
    return `file://${this.#parent}/data/base`;
  }

  /** One with the same in it. */
  async copy(): Promise<EmbeddedFolder> {
    const parent = await EmbeddedFolder.#newParent();
    const { success } = await new Deno.Command("cp", {
      args: ["-r", `${this.#parent}/data`, parent],
    }).output();
    if (!success) throw new Error(`${this.#parent} can't be copied`);
    return new EmbeddedFolder(parent);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#parent, { recursive: true });
  }

  static #newParent(): Promise<string> {
    return Deno.makeTempDir({ prefix: "sluice-embedded-" });
  }
}
