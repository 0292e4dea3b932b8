import {
  InvalidParamsError,
  MethodNotFoundError,
} from "../../protocol/protocol_errors.ts";
import { isObject } from "../../protocol/jsonrpc.ts";
import { admits, demandAllowed } from "../calls/access_check.ts";
import type { Call } from "../calls/call.ts";
import type { Method } from "../calls/method_table.ts";
import { textParam, uriParam } from "../calls/params.ts";
import type { Extension } from "../extension.ts";
import { withRounds } from "../questions/rounds.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Catalog } from "./catalog.ts";
import type { ListKind } from "./catalog_options.ts";
import { complete } from "./completion.ts";
import { callTool } from "./tool_call.ts";

/** Makes the methods with which clients of both eras use what is registered. */
export function catalogMethods(
  catalog: Catalog,
  capabilities: Capabilities,
  extensions: readonly Extension[],
): Record<string, Method> {
  /** A method whose capability the server does not have is not found. */
  const offered = (kind: ListKind, list: Method): Method => (call) => {
    if (capabilities.offers(kind)) return list(call);
    throw new MethodNotFoundError(call.method);
  };
  const { resources } = catalog;
  return {
    "tools/list": offered(
      "tools",
      (call) => catalog.toolList.pageFor(call.params.cursor, call),
    ),
    "tools/call": callTool(catalog.tools, extensions),
    "prompts/list": offered(
      "prompts",
      (call) => catalog.promptList.pageFor(call.params.cursor, call),
    ),
    "prompts/get": (call) => getPrompt(catalog, call),
    "resources/list": offered(
      "resources",
      (call) => resources.list(call.params.cursor, call),
    ),
    "resources/templates/list": offered(
      "resources",
      (call) => resources.templateList.pageFor(call.params.cursor, call),
    ),
    "resources/read": (call) => {
      const uri = uriParam(call.params, "uri");
      return withRounds(call, () => resources.read(uri, call));
    },
    "completion/complete": (call) => {
      if (!capabilities.completes) throw new MethodNotFoundError(call.method);
      return complete(catalog, call);
    },
  };
}

async function getPrompt(catalog: Catalog, call: Call): Promise<unknown> {
  const name = textParam(call.params, "name");
  const { arguments: args } = call.params;
  const slot = catalog.prompts.slots.get(name);
  if (slot === undefined || !admits(call, slot.item.guard, slot.scopes)) {
    throw new InvalidParamsError(`Prompt ${name} not found`);
  }
  const { item: prompt, key, owner, record } = slot;
  if (!prompt.enabled) throw new InvalidParamsError(`Prompt ${name} disabled`);
  if (args !== undefined && !isObject(args)) {
    throw new InvalidParamsError("Invalid params: arguments must be an object");
  }
  call.aimAt(owner, key, record);
  return await withRounds(
    call,
    () =>
      prompt.get(
        args,
        call.context,
        (valid) => demandAllowed(call, prompt.guard, valid, "prompt", name),
      ),
  );
}
