import assert from "node:assert/strict";
import {
  type HttpOptions,
  McpServer,
  type McpServerOptions,
} from "../../mod.ts";
import { HAS_NGINX, startNginx } from "../support/nginx.ts";
import { modernCall, modernPost } from "../transport/wire.ts";

/** nginx, as `docs/limits.md` says: the address of whoever it speaks to comes last. */
const FORWARDING = `
  proxy_set_header Host $host:$server_port;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $host:$server_port;
  proxy_set_header X-Request-Start "t=\${msec}";
  proxy_set_header Forwarded "";`;

/** A client with a loopback address of its own: to nginx it is another machine. */
class LocalClient implements Disposable {
  readonly #http: Deno.HttpClient;

  constructor(localAddress: string) {
    this.#http = Deno.createHttpClient({ localAddress });
  }

  async who(url: string, headers: Record<string, string> = {}) {
    const init = modernPost(modernCall("tools/call", { name: "who" }));
    const response = await fetch(url, {
      ...init,
      headers: { ...init.headers as Record<string, string>, ...headers },
      client: this.#http,
    } as RequestInit);
    const { result } = await response.json();
    return { status: response.status, known: result?.structuredContent };
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }
}

async function proxied(options: HttpOptions & McpServerOptions) {
  const server = new McpServer(
    { name: "proxied", version: "1.0.0" },
    { log: () => {}, ...options },
  );
  server.registerTool("who", {}, ({ http, requestInfo }) => ({
    structuredContent: {
      address: http!.address,
      host: requestInfo!.url!.host,
    },
  }));
  const running = await server.serve({
    port: 0,
    signals: false,
    onListen: () => {},
  });
  const proxy = await startNginx(running.url, FORWARDING);
  return {
    url: proxy.url,
    host: new URL(proxy.url).host,
    direct: running.url,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

Deno.test({
  name: "behind nginx, clients are told apart if it is trusted",
  ignore: !HAS_NGINX,
  fn: async () => {
    // 127.0.0.1 is nginx itself; 127.0.0.0/8 would be its clients as well.
    await using front = await proxied({ trustedProxies: "127.0.0.1" });
    using one = new LocalClient("127.0.0.2");
    using two = new LocalClient("127.0.0.3");
    const { host } = front;
    assert.deepEqual((await one.who(front.url)).known, {
      address: "127.0.0.2",
      host,
    });
    assert.deepEqual((await two.who(front.url)).known, {
      address: "127.0.0.3",
      host,
    });
    // What a client claims stands to the left of what nginx has seen.
    const spoofed = {
      "x-forwarded-for": "203.0.113.9",
      forwarded: "for=203.0.113.9",
    };
    assert.equal(
      (await one.who(front.url, spoofed)).known.address,
      "127.0.0.2",
    );
    // Past nginx nothing that it says is believed.
    assert.deepEqual((await two.who(front.direct, spoofed)).known, {
      address: "127.0.0.3",
      host: new URL(front.direct).host,
    });
  },
});

Deno.test({
  name: "behind nginx that nobody trusts, everybody is nginx",
  ignore: !HAS_NGINX,
  fn: async () => {
    await using front = await proxied({});
    using one = new LocalClient("127.0.0.2");
    for (const headers of [{}, { "x-forwarded-for": "203.0.113.9" }]) {
      const { known } = await one.who(front.url, headers as never);
      assert.equal(known.address, "127.0.0.1");
    }
  },
});

Deno.test({
  name: "behind nginx, a limit by address is each client's own",
  ignore: !HAS_NGINX,
  fn: async () => {
    const rateLimit = { limit: 2, intervalMs: 600_000 };
    await using front = await proxied({
      trustedProxies: "127.0.0.1",
      rateLimit,
    });
    using one = new LocalClient("127.0.0.2");
    using two = new LocalClient("127.0.0.3");
    for (const status of [200, 200, 429, 429]) {
      const spoofed = { "x-forwarded-for": crypto.randomUUID() };
      assert.equal((await one.who(front.url, spoofed)).status, status);
    }
    assert.equal((await two.who(front.url)).status, 200);
  },
});

for (const trustedProxies of [undefined, "loopback"]) {
  Deno.test(`who has left is still known, with ${trustedProxies ?? "no proxies"} trusted`, async () => {
    const seen: (string | undefined)[] = [];
    const over = Promise.withResolvers<void>();
    await using server = new McpServer(
      { name: "left", version: "1.0.0" },
      { trustedProxies, log: () => {} },
    );
    const leave = new AbortController();
    server.registerResource("slow", "test://slow", {}, async (_uri, ctx) => {
      await Promise.resolve();
      leave.abort();
      await new Promise((resolve) =>
        ctx.signal.addEventListener("abort", resolve)
      );
      // Until Deno has let go of the request.
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen.push(ctx.http!.address);
      over.resolve();
      return "nobody reads this";
    });
    const { url } = await server.serve({
      port: 0,
      signals: false,
      onListen: () => {},
    });
    await assert.rejects(
      fetch(
        url,
        modernPost(
          modernCall("resources/read", { uri: "test://slow" }),
          leave.signal,
        ),
      ),
    );
    await over.promise;
    assert.deepEqual(seen, ["127.0.0.1"]);
  });
}
