import { fileURLToPath } from "node:url";
import { fromFrames, toFrame } from "./frames.ts";
import { processEntry } from "./process_entry.ts";
import { importingScript } from "../../base/thread_script.ts";
import type { WorkerChannel, WorkerListener } from "./worker_channel.ts";
import type { WorkerOrder, WorkerReport } from "./worker_messages.ts";

/** The names of permissions that a child is given if this process has them whole. */
const PERMISSIONS = [
  "read",
  "write",
  "net",
  "env",
  "sys",
  "run",
  "ffi",
  "import",
] as const;

/** The exit code of a process that V8 ends as its heap is full, by SIGTRAP or SIGABRT. */
const OUT_OF_MEMORY: ReadonlySet<string | null> = new Set([
  "SIGTRAP",
  "SIGABRT",
  "SIGILL",
]);

/** A process of its own, which ends when it is told to, whatever it is at. */
export class ProcessChannel implements WorkerChannel {
  readonly flags = undefined;
  readonly endsHard = true;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  /** @param module the worker's own, whose `deno.json` counts */
  constructor(module: string, maxHeapMb: number) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        `--v8-flags=--max-old-space-size=${maxHeapMb}`,
        ...permissionFlags(),
        ...configFlags(module),
        importingScript(processEntry.module).href,
        processEntry.mark,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#child.unref();
    this.#input = this.#child.stdin.getWriter();
  }

  listen(listener: WorkerListener): void {
    void this.#listen(listener);
  }

  async #listen({ report, gone }: WorkerListener): Promise<void> {
    try {
      for await (const each of fromFrames(this.#child.stdout)) {
        report(each as WorkerReport);
      }
    } catch {
      // It wrote to stdout what is no report.
      this.end();
    }
    await this.#input.abort().catch(() => {});
    const { code, signal } = await this.#child.status;
    gone({
      outOfMemory: OUT_OF_MEMORY.has(signal),
      text: signal === null ? `exit code ${code}` : `by ${signal}`,
    });
  }

  send(order: WorkerOrder): void {
    this.#input.write(toFrame(order)).catch(() => {});
  }

  hold(busy: boolean): void {
    if (busy) this.#child.ref();
    else this.#child.unref();
  }

  end(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

function permissionFlags(): string[] {
  const granted = PERMISSIONS.filter((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
  const flags = granted.map((name) => `--allow-${name}`);
  // Where modules come from during development is no place that Deno knows.
  const { protocol, host } = new URL(processEntry.module);
  return protocol === "http:" && !granted.includes("import")
    ? [...flags, `--allow-import=${host}`]
    : flags;
}

/** The nearest `deno.json` above a module, as a script from elsewhere has none. */
function configFlags(module: string): string[] {
  if (!module.startsWith("file:")) return [];
  for (let folder = new URL(".", module);;) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const config = new URL(name, folder);
      if (isFile(config)) return [`--config=${fileURLToPath(config)}`];
    }
    const above = new URL("..", folder);
    if (above.href === folder.href) return [];
    folder = above;
  }
}

function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
