import type { JsonObject } from "../protocol/jsonrpc.ts";
import type { ReadResourceResult } from "../protocol/types.ts";
import type { Call } from "../server/calls/call.ts";
import type { Method } from "../server/calls/method_table.ts";
import { withoutEnvelope } from "../server/calls/sdk_request.ts";
import type { FullCacheHints } from "../server/catalog/cache_hint.ts";
import { isInputRequiredResult } from "../server/questions/input_required.ts";
import { withRounds } from "../server/questions/rounds.ts";
import type { ServerContext } from "../server/server_context.ts";
import { begin } from "../server/sessions/session_methods.ts";
import type { MessageHandler } from "./message_handlers.ts";

/** The methods whose results clients may keep (2026-07-28, "CacheableResult"). */
const CACHEABLE = [
  "server/discover",
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/read",
];

/** Makes a method of an author's handler, whose result is what the era demands. */
export function ownMethod(
  { method, run }: MessageHandler<ServerContext>,
  hints: FullCacheHints,
): Method {
  return async (call) => {
    const params = ownParams(call);
    if (method === "resources/subscribe" && typeof params.uri === "string") {
      call.session?.followed.checkOneMore(params.uri);
    }
    const result = await withRounds(
      call,
      async () => await run({ method, params }, call.context) ?? {},
    ) as JsonObject;
    await remember(method, call, result);
    if (!CACHEABLE.includes(method) || isInputRequiredResult(result)) {
      return result;
    }
    return call.era.readResult(
      result as unknown as ReadResourceResult,
      hints[method as keyof FullCacheHints],
    );
  };
}

/** A request's parameters, their `_meta` without the keys that MCP reserves. */
function ownParams({ params: { _meta, ...params }, meta }: Call): JsonObject {
  const own = meta === undefined ? {} : withoutEnvelope(meta);
  return Object.keys(own).length === 0 ? params : { ...params, _meta: own };
}

/** Sessions and subscriptions stay the engine's affair, whoever answers the method. */
async function remember(
  method: string,
  { params, session }: Call,
  { protocolVersion }: JsonObject,
): Promise<void> {
  const uri = String(params.uri);
  if (method === "resources/subscribe") await session?.followed.add(uri);
  if (method === "resources/unsubscribe") await session?.followed.remove(uri);
  if (method === "initialize") begin(session, params, String(protocolVersion));
}
