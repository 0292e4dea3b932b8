// The official TypeScript SDK v2 under node:http, as its docs show it: createMcpHandler, and beside it sessions for legacy clients.
import { randomUUID } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import {
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
} from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { addTools } from "./node_tools.mjs";

const sessions = new Map();

function createServer() {
  const server = new McpServer({ name: "work", version: "1.0.0" });
  addTools(server, "node-v2");
  return server;
}

async function openSession() {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: true,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await createServer().connect(transport);
  return transport;
}

async function serveSession(request, response) {
  const transport = sessions.get(request.headers["mcp-session-id"]) ??
    await openSession();
  await transport.handleRequest(request, response);
}

const handle = process.env.SESSIONS === "on"
  ? serveSession
  : toNodeHandler(createMcpHandler(createServer));
createHttpServer(handle).listen(Number(process.env.PORT), "127.0.0.1");
