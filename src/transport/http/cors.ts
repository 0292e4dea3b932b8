/** Things that a browser's page may send and read beside what any may. */
const EXPOSED = "mcp-session-id, mcp-protocol-version, www-authenticate, " +
  "retry-after, ratelimit, ratelimit-policy";
const METHODS = "GET, POST, DELETE";
const MAX_AGE_S = "600";

/** Tells a browser that a page of an allowed origin may read the response. */
export function withCors(
  response: Response,
  origin: string,
  request: Request,
): Response {
  const headers = new Headers(response.headers);
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", EXPOSED);
  headers.append("vary", "origin");
  if (request.method === "OPTIONS") {
    headers.set("access-control-allow-methods", METHODS);
    headers.set("access-control-max-age", MAX_AGE_S);
    const wanted = request.headers.get("access-control-request-headers");
    if (wanted !== null) headers.set("access-control-allow-headers", wanted);
  }
  return new Response(response.body, { status: response.status, headers });
}
