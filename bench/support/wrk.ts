/** `wrk` as the load: one thread on one core, the same request again and again. */
import { loadCore } from "./pinning.ts";
import type { WireRequest } from "./wire.ts";

/** What one run of `wrk` counted. */
export interface WrkResult {
  requests: number;
  durationMs: number;
  /** Answers that were not 2xx or 3xx, and failed connects, reads, writes and time-outs. */
  errors: number;
}

/** How long and how wide one run is. */
export interface WrkOptions {
  url: string;
  request: WireRequest;
  connections: number;
  seconds: number;
  /** Core to pin `wrk` to. */
  core: number;
}

const done = `
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"durationMs":%.3f,"errors":%d}\\n',
    summary.requests, summary.duration / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;

/**
 * Loads one URL and reports what came back.
 *
 * @throws {Error} when `wrk` fails.
 */
export async function wrk(options: WrkOptions): Promise<WrkResult> {
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  try {
    await Deno.writeTextFile(script, luaOf(options.request) + done);
    const { success, stdout, stderr } = await new Deno.Command("taskset", {
      args: [
        ...["--cpu-list", String(options.core)],
        ...["wrk", "--threads", "1"],
        ...["--connections", String(options.connections)],
        ...["--duration", `${options.seconds}s`],
        ...["--script", script, options.url],
      ],
    }).output();
    const text = new TextDecoder().decode(stdout);
    const result = text.match(/^RESULT (.*)$/m);
    if (!success || result === null) {
      throw new Error(`wrk failed: ${new TextDecoder().decode(stderr)}${text}`);
    }
    return JSON.parse(result[1]);
  } finally {
    await Deno.remove(script);
  }
}

/**
 * Loads the MCP endpoint of a server, and counts the answers.
 *
 * @throws {Error} when any of them failed
 */
export async function wrkAnswers(
  { port, ...options }: Omit<WrkOptions, "url" | "core"> & { port: number },
): Promise<number> {
  const url = `http://127.0.0.1:${port}/mcp`;
  const { requests, errors } = await wrk({ ...options, url, core: loadCore });
  if (errors > 0) throw new Error(`${errors} answers failed`);
  return requests;
}

function luaOf({ headers, body }: WireRequest): string {
  return [
    `wrk.method = "POST"`,
    `wrk.body = ${luaString(body)}`,
    ...Object.entries(headers).map(([name, value]) =>
      `wrk.headers[ ${luaString(name)} ] = ${luaString(value)}`
    ),
  ].join("\n");
}

/** A Lua long string: the level of its brackets is one that the text does not contain. */
function luaString(text: string): string {
  let level = "=";
  while (text.includes(`]${level}]`)) level += "=";
  return `[${level}[${text}]${level}]`;
}
