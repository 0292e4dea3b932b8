import { eventually } from "./eventually.ts";
import { freePort } from "./free_port.ts";
import { isInstalled } from "./installed.ts";

/** Tests that need Prometheus skip without it, but not where CI must run them. */
export const skipsPrometheus: boolean = Deno.env.get("CI") !== "true" &&
  !await isInstalled("promtool");

/** What `promtool check metrics` says of a text; empty if it finds no fault. */
export async function promtoolFaults(text: string): Promise<string> {
  const promtool = new Deno.Command("promtool", {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = promtool.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout, stderr } = await promtool.output();
  return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes))
    .join("");
}

/** A Prometheus that scrapes one server, in a folder of its own. */
export class PrometheusServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #process: Deno.ChildProcess;
  readonly #url: string;

  private constructor(folder: string, process: Deno.ChildProcess, url: string) {
    this.#folder = folder;
    this.#process = process;
    this.#url = url;
  }

  /** @param target the host and port that are scraped at `/metrics` */
  static async scraping(target: string): Promise<PrometheusServer> {
    const folder = await Deno.makeTempDir({ prefix: "sluice-prometheus-" });
    const scrape = {
      job_name: "sluice",
      static_configs: [{ targets: [target] }],
    };
    await Deno.writeTextFile(
      `${folder}/prometheus.yml`,
      JSON.stringify({
        global: { scrape_interval: "1s" },
        scrape_configs: [scrape],
      }),
    );
    const port = await freePort();
    const process = new Deno.Command("prometheus", {
      args: [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    return new PrometheusServer(folder, process, `http://127.0.0.1:${port}`);
  }

  /** The values of an expression by their labels, once there are any. */
  async query(
    expression: string,
  ): Promise<{ labels: Record<string, string>; value: number }[]> {
    let found: { metric: Record<string, string>; value: [number, string] }[] =
      [];
    await eventually(async () => {
      found = await this.#ask(expression);
      return found.length > 0;
    });
    return found.map(({ metric, value }) => ({
      labels: metric,
      value: Number(value[1]),
    }));
  }

  // deno-lint-ignore no-explicit-any -- whatever Prometheus answers
  async #ask(expression: string): Promise<any> {
    const query = new URLSearchParams({ query: expression });
    try {
      const response = await fetch(`${this.#url}/api/v1/query?${query}`);
      const { data } = await response.json();
      return data?.result ?? [];
    } catch {
      return [];
    }
  }

  /** Why the last scrape failed; empty if it did not. */
  async lastError(): Promise<string> {
    const response = await fetch(`${this.#url}/api/v1/targets`);
    const { data } = await response.json();
    return data.activeTargets[0].lastError;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
