// The official TypeScript SDK v1 under express, as its docs show it: a server for each session, or for each request.
import { randomUUID } from "node:crypto";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { addTools } from "./node_tools.mjs";

const withSessions = process.env.SESSIONS === "on";
const sessions = new Map();

function createServer() {
  const server = new McpServer({ name: "work", version: "1.0.0" });
  addTools(server, "node-v1");
  return server;
}

async function openSession() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: true,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await createServer().connect(transport);
  return transport;
}

const app = express();
app.use(express.json());
app.all("/mcp", async (request, response) => {
  if (withSessions) {
    const transport = sessions.get(request.headers["mcp-session-id"]) ??
      await openSession();
    return await transport.handleRequest(request, response, request.body);
  }
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: undefined,
    enableJsonResponse: true,
  });
  const server = createServer();
  response.on("close", () => {
    transport.close();
    server.close();
  });
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});
app.listen(Number(process.env.PORT), "127.0.0.1");
