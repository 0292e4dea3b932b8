import { freePort } from "./free_port.ts";

/** Where a distribution may keep the server's programs beside the PATH. */
const usualHomes = ["/usr/lib/postgresql", "/usr/local/pgsql"];

/** The folder with initdb and pg_ctl, if this machine has a PostgreSQL server. */
function findPrograms(): string | undefined {
  const folders = [
    Deno.env.get("PG_BIN"),
    ...(Deno.env.get("PATH") ?? "").split(":"),
    ...usualHomes.flatMap((home) => [`${home}/bin`, ...versions(home)]),
  ];
  return folders.find((folder) => folder && exists(`${folder}/initdb`));
}

function versions(home: string): string[] {
  if (!exists(home)) return [];
  return [...Deno.readDirSync(home)]
    .map(({ name }) => `${home}/${name}/bin`)
    .sort().reverse();
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

const programs = findPrograms();

/** Tests that need a server skip without one, but not where CI must run them. */
export const skipsPostgres = programs === undefined &&
  Deno.env.get("CI") !== "true";

/** A PostgreSQL server of a test's own: free port, own folder, gone afterwards. */
export class PostgresServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #port: number;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  /** The database that is there from the start. */
  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`;
  }

  static async start(): Promise<PostgresServer> {
    if (programs === undefined) throw new Error("no PostgreSQL server found");
    const folder = await Deno.makeTempDir({ prefix: "sluice-postgres-" });
    if (Deno.uid() === 0) await run("chown", ["postgres", folder]);
    const server = new PostgresServer(folder, await freePort());
    await runProgram("initdb", [
      ...["-D", `${folder}/data`, "-U", "postgres", "-A", "trust"],
      "--no-sync",
    ]);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const settings = [
      `-p ${this.#port}`,
      `-k ${this.#folder}`,
      ...["listen_addresses=127.0.0.1", "fsync=off", "max_connections=200"]
        .map((setting) => `-c ${setting}`),
    ];
    await this.#control("start", ["-o", settings.join(" ")]);
  }

  /** Ends all sessions and the server. */
  async stop(): Promise<void> {
    await this.#control("stop", ["-m", "fast"]);
  }

  /** Ends the server without a word to anybody. */
  async kill(): Promise<void> {
    await this.#control("stop", ["-m", "immediate"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => {});
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #control(command: string, options: string[]): Promise<void> {
    await runProgram("pg_ctl", [
      ...[command, "-w", "-s", "-D", `${this.#folder}/data`],
      ...["-l", `${this.#folder}/log`],
      ...options,
    ]);
  }
}

/** The server refuses to run as root. */
async function runProgram(program: string, args: string[]): Promise<void> {
  const path = `${programs}/${program}`;
  if (Deno.uid() !== 0) return await run(path, args);
  await run("runuser", ["-u", "postgres", "--", path, ...args]);
}

async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args,
    cwd: "/",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
}
