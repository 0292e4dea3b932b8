import { isObject } from "../protocol/jsonrpc.ts";
import type { RequestContext } from "./request_context.ts";

/** What a log line says of the request that it is about: never an argument. */
export function requestFields(
  context: RequestContext,
): Record<string, unknown> {
  const { requestId, method } = context;
  const { traceId } = context as RequestContext & { traceId?: string };
  const tool = toolName(context);
  return {
    requestId,
    method,
    ...(tool !== undefined && { tool }),
    ...(traceId !== undefined && { traceId }),
  };
}

/** Tells the operator of a request that took long: one line past `slowMs`. */
export function reportSlow(context: RequestContext, tookMs: number): void {
  const { log, options: { slowMs } } = context.engine;
  if (tookMs <= slowMs) return;
  const fields = requestFields(context);
  const what = fields.tool === undefined
    ? context.method
    : `tool ${fields.tool}`;
  const rounded = Math.round(tookMs);
  log.warning(`${what} is slow: it took ${rounded} ms`, {
    ...fields,
    tookMs: rounded,
    slowMs,
  });
}

/** The tool that is called, if there is one of that name; middleware may have sent anything on. */
function toolName({ method, params, engine }: RequestContext): unknown {
  if (method !== "tools/call" || !isObject(params)) return undefined;
  return engine.registry.tools.slots.get(params.name as string)?.key;
}
