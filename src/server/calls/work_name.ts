import type { Registry } from "../catalog/catalog.ts";
import type { RequestContext } from "./call.ts";

/** What methods beyond those that the server knows are counted as. */
export const OTHER_METHODS = "other";

const PROMPT = "prompt ";
const RESOURCE = "resource ";

/**
 * What the watchdog calls a request: by its tool, its prompt or its resource,
 * or else by its method. Only what is registered or known to the server has a
 * name, so that no client makes one up.
 */
export function nameOf({ method, itemName, engine }: RequestContext): string {
  if (itemName === undefined) {
    return engine.methods.knows(method) ? method : OTHER_METHODS;
  }
  if (method === "prompts/get") return PROMPT + itemName;
  return method === "resources/read" ? RESOURCE + itemName : itemName;
}

/** What the requests of such a name run. */
export function handlerOf(
  { tools, prompts, resources }: Registry,
  name: string,
  // deno-lint-ignore ban-types
): Function | undefined {
  const tool = tools.slots.get(name);
  if (tool !== undefined) return tool.item.handler;
  if (name.startsWith(PROMPT)) {
    return prompts.slots.get(name.slice(PROMPT.length))?.item.handler;
  }
  if (!name.startsWith(RESOURCE)) return undefined;
  const uri = name.slice(RESOURCE.length);
  return (resources.fixed.slots.get(uri) ?? resources.findTemplate(uri))
    ?.item.readCallback;
}
