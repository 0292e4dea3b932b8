import { freePort } from "./free_port.ts";
import { isInstalled } from "./installed.ts";
import { skipsPostgres } from "./postgres.ts";

/** Tests that need the pooler skip without it, but not where CI must run them. */
export const skipsPgBouncer: boolean = skipsPostgres ||
  !await isInstalled("pgbouncer") && Deno.env.get("CI") !== "true";

/**
 * A pooler of the test's own before a PostgreSQL server: it shares two
 * connections between all clients, from transaction to transaction.
 */
export class PgBouncer implements AsyncDisposable {
  readonly #directory: string;
  readonly #process: Deno.ChildProcess;
  readonly url: string;

  private constructor(
    directory: string,
    process: Deno.ChildProcess,
    url: string,
  ) {
    this.#directory = directory;
    this.#process = process;
    this.url = url;
  }

  static async start(serverUrl: string): Promise<PgBouncer> {
    const directory = await Deno.makeTempDir({ prefix: "sluice-pgbouncer-" });
    if (Deno.uid() === 0) await Deno.chmod(directory, 0o755);
    const port = await freePort();
    const server = new URL(serverUrl);
    const file = `${directory}/pgbouncer.ini`;
    await Deno.writeTextFile(
      file,
      `[databases]
* = host=${server.hostname} port=${server.port} user=${server.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
ignore_startup_parameters = extra_float_digits
`,
    );
    const process = new Deno.Command("pgbouncer", {
      args: Deno.uid() === 0 ? ["-q", "-u", "postgres", file] : ["-q", file],
      stdout: "null",
      stderr: "null",
    }).spawn();
    const url = new URL(serverUrl);
    url.port = String(port);
    await listening(port);
    return new PgBouncer(directory, process, url.href);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await Deno.remove(this.#directory, { recursive: true });
  }
}

async function listening(port: number): Promise<void> {
  for (let attempts = 0; attempts < 200; attempts++) {
    try {
      using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error("pgbouncer doesn't listen");
}
