/**
 * The guide's efficient API calls, against a server that this example starts
 * itself. Run it with `deno run -A examples/http_client.ts`.
 */
import { HttpCircuitOpenError, HttpPool, HttpStatusError } from "@sluice/mcp";

let flaky = 2;
const server = Deno.serve({ port: 0, onListen: () => {} }, (request) => {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/flaky":
      return flaky-- > 0
        ? new Response("busy", { status: 503, headers: { "retry-after": "0" } })
        : Response.json({ after: "two retries" });
    case "/broken":
      return new Response("no good", { status: 500 });
    case "/away":
      return Response.redirect("http://169.254.169.254/latest/meta-data/");
    default:
      return Response.json({ pathname });
  }
});
const origin = `http://127.0.0.1:${server.addr.port}`;

{
  await using http = new HttpPool({
    maxPerOrigin: 10,
    connectTimeoutMs: 5_000,
    readTimeoutMs: 30_000,
    circuit: { failures: 3, openMs: 1_000 },
    allowUrl: ({ hostname }) => hostname === "127.0.0.1",
    onCircuitChange: (origin, state) => console.log(`  ${origin} is ${state}`),
  });

  console.log("\nfetchAll: one outcome per URL");
  const urls = ["users/1", "users/2", "broken", "flaky", "away"]
    .map((path) => `${origin}/${path}`);
  for (const outcome of await http.fetchAll(urls, { concurrency: 2 })) {
    console.log(
      " ",
      outcome.status,
      outcome.status === "success" ? outcome.data : outcome.error.message,
    );
  }

  console.log("\nAn origin that keeps failing is left alone");
  for (let call = 0; call < 4; call++) {
    try {
      await http.getJson(`${origin}/broken`);
    } catch (error) {
      if (error instanceof HttpStatusError) console.log(" ", error.status);
      else if (error instanceof HttpCircuitOpenError) {
        console.log(" ", error.message);
      } else throw error;
    }
  }

  const { requests, retries, failures } = http.stats;
  console.log("\nstats:", { requests, retries, failures });
}
await server.shutdown();
