import { safeText } from "../observe/log/log_fields.ts";
import { isObject } from "../protocol/jsonrpc.ts";
import type { Engine } from "./engine.ts";
import type { RequestContext } from "./request_context.ts";
import { nameOf } from "./work_name.ts";

/** Clients make up their names. */
const MAX_CLIENT_NAME = 100;

/** What a log line says of the request that it is about: never an argument. */
export function requestFields(
  context: RequestContext,
): Record<string, unknown> {
  const { callId, requestId, method, traceId, clientInfo } = context;
  const client: unknown = clientInfo?.name;
  return {
    call: callId,
    requestId,
    method,
    ...itemField(context),
    ...(typeof client === "string" &&
      { client: safeText(client, MAX_CLIENT_NAME) }),
    ...(traceId !== undefined && { traceId }),
  };
}

/**
 * Tells the operator of a request that has ended: one line if it took longer
 * than `slowMs`, and one for every request at the level of debug.
 */
export function reportEnd(
  context: RequestContext,
  tookMs: number,
  failure: string | undefined,
): void {
  const { log, options: { slowMs } } = context.engine;
  const slow = tookMs > slowMs;
  if (!slow && !log.writes("debug")) return;
  const fields = {
    ...requestFields(context),
    ...(failure !== undefined && { failure }),
    tookMs: Math.round(tookMs * 1_000) / 1_000,
  };
  const [[kind, name] = [context.method]] = Object.entries(itemField(context));
  const what = name === undefined ? kind : `${kind} ${name}`;
  if (slow) {
    const rounded = Math.round(tookMs);
    log.warning(`${what} is slow: it took ${rounded} ms`, {
      ...fields,
      slowMs,
    });
  } else log.debug(`${what} has ended`, fields);
}

/** What the request is about, under what it is: only if that is registered. */
function itemField(context: RequestContext): Record<string, unknown> {
  const { method, itemName } = context;
  if (itemName !== undefined && method === "prompts/get") {
    return { prompt: itemName };
  }
  if (itemName !== undefined && method === "resources/read") {
    return { resource: itemName };
  }
  const tool = toolName(context);
  return tool === undefined ? {} : { tool };
}

/** Tells the operator, in one line, which requests got no more time to finish. */
export function reportCutOff(
  engine: Engine,
  contexts: readonly RequestContext[],
  graceMs: number,
): void {
  const names = new Set(contexts.map(nameOf));
  engine.log.warning(
    `requests were cut off after ${graceMs} ms of grace: ${contexts.length}`,
    { requests: contexts.length, graceMs, names: [...names] },
  );
}

/** The tool that is called, if there is one of that name; middleware may have sent anything on. */
function toolName({ method, params, engine }: RequestContext): unknown {
  if (method !== "tools/call" || !isObject(params)) return undefined;
  return engine.registry.tools.slots.get(params.name as string)?.key;
}
