import { McpServer } from "../../mod.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { modernCall, modernPost } from "../transport/wire.ts";
import { deployText } from "./deployment.ts";

/** A proxy of `examples/deploy` before three servers. */
export interface Front extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** Starts a proxy in a folder with its configuration, which is this text. */
type Start = (folder: string, text: string) => Promise<Deno.Command>;

const startNginx: Start = async (folder, text) => {
  await Deno.mkdir(`${folder}/temp`);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((each) => `${each}_temp_path ${folder}/temp/${each};`).join(" ");
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    text.replace("http {", `http { access_log off; ${paths}`),
  );
  const globals = `daemon off; master_process off; pid ${folder}/pid; ` +
    `error_log ${folder}/error;`;
  return new Deno.Command("nginx", {
    args: ["-p", folder, "-c", `${folder}/nginx.conf`, "-g", globals],
    stdout: "null",
    stderr: "null",
  });
};

const startCaddy: Start = async (folder, text) => {
  await Deno.writeTextFile(
    `${folder}/Caddyfile`,
    text.replace("{\n", "{\n\tadmin off\n"),
  );
  return new Deno.Command("caddy", {
    args: ["run", "--adapter", "caddyfile", "--config", `${folder}/Caddyfile`],
    env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdout: "null",
    stderr: "null",
  });
};

/** A configuration as it is, but for ports and what a test bends, before three servers. */
export async function front(
  name: Configuration,
  server: (index: number) => McpServer,
  bend?: Bend,
): Promise<Front> {
  const stack = new AsyncDisposableStack();
  const ports: number[] = [];
  for (const index of [0, 1, 2]) {
    const running = stack.use(
      await server(index).serve({ port: 0, signals: false }),
    );
    ports.push(running.port);
  }
  const { url, port } = stack.use(await frontBefore(name, ports, bend));
  return { url, port, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

type Configuration = "nginx.conf" | "Caddyfile";

/** What a test changes in a configuration. */
type Bend = (text: string) => string;

/** The same before servers that run already; the first has port 8001 in the text. */
export async function frontBefore(
  name: Configuration,
  ports: readonly number[],
  bend: Bend = (text) => text,
): Promise<Front> {
  const port = await freePort();
  let text = bend(await deployText(name))
    .replace("listen 8080", `listen 127.0.0.1:${port}`)
    .replace(":8080 {", `http://127.0.0.1:${port} {`);
  for (const [index, each] of ports.entries()) {
    text = text.replaceAll(`127.0.0.1:${8001 + index}`, `127.0.0.1:${each}`);
  }
  const folder = await Deno.makeTempDir();
  const start = name === "nginx.conf" ? startNginx : startCaddy;
  const process = (await start(folder, text)).spawn();
  const url = `http://127.0.0.1:${port}/mcp`;
  await eventually(() =>
    fetch(new URL("/", url)).then(async (response) => {
      await response.body?.cancel();
      return response.status === 404;
    }, () => false)
  );
  return {
    url,
    port,
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await process.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A server that says which it is. */
export function numbered(index: number): McpServer {
  const server = new McpServer({ name: `server ${index}`, version: "1.0.0" }, {
    log: () => {},
    sessions: false,
  });
  for (const name of ["hello", "report", "export_all"]) {
    server.registerTool(name, {}, () => `server ${index}`);
  }
  server.registerTool("steps", {}, async function* () {
    yield { progress: 1 };
    await new Promise((go) => setTimeout(go, 3_000));
    return "done";
  });
  return server;
}

/** A server that believes its proxy, and says what that told it. */
export function believing(): McpServer {
  const server = new McpServer({ name: "believing", version: "1.0.0" }, {
    log: () => {},
    sessions: false,
    trustedProxies: "loopback",
  });
  server.registerTool("seen", {}, ({ http, requestInfo }) => ({
    url: String(requestInfo!.url),
    address: http!.address!,
    start: requestInfo!.headers["x-request-start"],
  }));
  return server;
}

/** What a call of a tool is answered with. */
export async function call(url: string, name: string): Promise<string> {
  const response = await fetch(
    url,
    modernPost(modernCall("tools/call", { name })),
  );
  const text = await response.text();
  return response.ok ? JSON.parse(text).result.content[0].text : text;
}
