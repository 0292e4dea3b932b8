/** Scripts of `bench/` as `deno bundle` makes them; disposing removes them. */
export class Bundles implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes room for bundles. */
  static async open(): Promise<Bundles> {
    return new Bundles(await Deno.makeTempDir({ prefix: "sluice-bundles-" }));
  }

  /**
   * Bundles a script of `bench/`, and resolves with the path of what came of it.
   *
   * @throws {Error} with what Deno said, if it can't be bundled
   */
  async add(script: string): Promise<string> {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["bundle", "--quiet", "--platform", "deno"],
        ...["--code-splitting", "--outdir", `${this.#folder}/${script}`],
        new URL(`../${script}`, import.meta.url).pathname,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const name = script.replace(/^.*\//, "").replace(/\.ts$/, ".js");
    return `${this.#folder}/${script}/${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
