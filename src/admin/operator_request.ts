import { askedUrlOf, type NetworkPeer } from "../base/network_peer.ts";

/**
 * Reads a request that came on a port for operators alone: gives the URL that was
 * asked for, or why there is no answer.
 */
export function readOperatorRequest(
  request: Request,
  caller: NetworkPeer | undefined,
): URL | Response {
  const { method } = request;
  // Others can't all be handed on: TRACE makes no request elsewhere.
  if (method !== "GET" && method !== "HEAD") {
    return refuseOperator(405, "GET or HEAD only", { allow: "GET, HEAD" });
  }
  return URL.parse(askedUrlOf(request, caller)) ??
    refuseOperator(400, "the Host header is invalid");
}

/** The answer where nothing is to be seen. */
export function nothingForOperators({ pathname }: URL): Response {
  return refuseOperator(404, `There is nothing for operators at ${pathname}`);
}

/** An answer that says why there is no other. */
export function refuseOperator(
  status: number,
  error: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ error }, { status, headers });
}
