/** `deno run -A bench/http_pool.ts`: HttpPool against bare fetch, on one local server. */
import { HttpPool } from "../src/pool/http/http_pool.ts";
import { compare, type Variant } from "./support/compare.ts";

const CALLERS = 32;

/** In a process of its own, so that only the client is measured. */
const script = `
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} },
    () => Response.json({ id: 7, name: "Ada" }));
  console.log(server.addr.port);
`;
const process = new Deno.Command(Deno.execPath(), {
  args: ["eval", script],
  stdout: "piped",
}).spawn();
const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
const url = `http://127.0.0.1:${(await reader.read()).value!.trim()}/`;

const client = Deno.createHttpClient({ poolMaxIdlePerHost: CALLERS });
await using http = new HttpPool({ maxPerOrigin: CALLERS });

const ways: Record<string, () => Promise<unknown>> = {
  "fetch with a client, json()": async () =>
    await (await fetch(url, { client })).json(),
  "HttpPool.getJson": () => http.getJson(url),
};

const variants: Variant[] = Object.entries(ways).map(([name, get]) => ({
  name,
  run: async (count) => {
    let left = count;
    const caller = async () => {
      while (left-- > 0) await get();
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
  },
}));

await compare({
  title: `GET of a small JSON, ${CALLERS} callers`,
  count: 3_200,
  rounds: 11,
}, variants);

client.close();
await reader.cancel();
process.kill();
await process.status;
