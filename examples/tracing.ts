/**
 * Traces and metrics over OpenTelemetry. Start a collector that takes OTLP, such
 * as Jaeger or Grafana's all-in-one image:
 *
 *     docker run --rm -p 3000:3000 -p 4318:4318 grafana/otel-lgtm
 *
 * and then this server, which exports to http://localhost:4318 unless
 * `OTEL_EXPORTER_OTLP_ENDPOINT` says otherwise:
 *
 *     OTEL_DENO=true OTEL_SERVICE_NAME=weather deno run -A examples/tracing.ts
 *
 * The server itself has nothing to switch on. Call `weather` with any client: the
 * trace has the HTTP request, the call with the name of its tool, the request to
 * the weather service, the statement, and the span made below, each a child of
 * the one that caused it. A client that sends a `traceparent` in `_meta` finds
 * the call in its own trace.
 *
 * Without `OTEL_DENO` the same server makes no span and loads nothing for it.
 */
import { trace } from "@opentelemetry/api";
import { HttpPool, McpServer, PostgresPool } from "@sluice/mcp";
import { z } from "zod";

const service = Deno.serve(
  { port: 0, onListen: () => {} },
  (request) =>
    Response.json({ sky: "clear", trace: request.headers.get("traceparent") }),
);

const tracer = trace.getTracer("weather");

interface Shared {
  http: HttpPool;
  db: PostgresPool;
}

const server = new McpServer<Shared>({ name: "weather", version: "1.0.0" }, {
  lifespan: async (stack) => {
    stack.defer(() => service.shutdown());
    const http = stack.use(new HttpPool());
    const db = stack.use(await PostgresPool.connect("memory://"));
    await db.script("CREATE TABLE asked (city text, at timestamptz)");
    return { http, db };
  },
});

server.registerTool(
  "weather",
  {
    description: "What the sky looks like in a city",
    inputSchema: z.object({ city: z.string() }),
  },
  async ({ city }, { lifespan: { http, db }, traceId }) => {
    await db.execute("INSERT INTO asked VALUES ($1, now())", [city]);
    const url = `http://127.0.0.1:${service.addr.port}/weather`;
    const { sky } = await http.getJson<{ sky: string }>(url);
    // A log line that says its trace can be found from it, and it from the trace.
    server.log.info("asked for the sky", { traceId });
    return tracer.startActiveSpan("describe", (span) => {
      const text = `The sky over ${city} is ${sky}.`;
      span.end();
      return text;
    });
  },
);

await server.serve({ port: Number(Deno.env.get("PORT") ?? 8000) });
