import assert from "node:assert/strict";
import { McpServer } from "../../mod.ts";

const local = { remoteAddr: { hostname: "127.0.0.1" } };

Deno.test("a server that others host ends its dashboards and profiles when it closes", async () => {
  const server = new McpServer({ name: "test", version: "1.0.0" }, {
    dashboard: true,
    debug: true,
  });
  const open = async (path: string) =>
    await server.fetch(new Request(`http://localhost${path}`), local);
  const dashboard = await open("/dashboard/events");
  const profile = await open("/debug/profile?seconds=60");
  await server.close();
  assert.match(await dashboard.text(), /^event: history/);
  await assert.rejects(profile.text(), { name: "ClosedError" });
  const late = await open("/dashboard/events");
  assert.equal(late.status, 503);
  await late.body?.cancel();
});

Deno.test("what was never looked at isn't opened once the server has closed", async () => {
  const server = new McpServer({ name: "test", version: "1.0.0" }, {
    dashboard: true,
  });
  await server.close();
  const late = await server.fetch(
    new Request("http://localhost/dashboard/events"),
    local,
  );
  assert.equal(late.status, 503);
  await late.body?.cancel();
});
