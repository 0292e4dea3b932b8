/** A client with streams and sessions open that is killed: run with the port as its argument. */
import { initialize, modernCall, modernPost } from "../../transport/wire.ts";

const url = `http://127.0.0.1:${Deno.args[0]}/mcp`;
const listen = modernCall("subscriptions/listen", {
  notifications: { toolsListChanged: true },
});
await Promise.all(Array.from({ length: 20 }, async () => {
  await fetch(url, modernPost(listen));
  const opened = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify(initialize("2025-11-25")),
  });
  await fetch(url, {
    headers: {
      accept: "text/event-stream",
      "mcp-session-id": opened.headers.get("mcp-session-id")!,
    },
  });
}));
console.log("open");
await new Promise(() => setInterval(() => {}, 60_000));
