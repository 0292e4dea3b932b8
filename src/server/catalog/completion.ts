import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import { admits, allows, type Kept } from "../calls/access_check.ts";
import type { Call, HandlerOwner } from "../calls/call.ts";
import { textParam, uriParam } from "../calls/params.ts";
import type { Catalog } from "./catalog.ts";
import type { CompleteCallback } from "./completable.ts";
import { isSafeText } from "./resource_reading.ts";

/** Number of suggestions a list may hold (specification, "Completion"). */
const MAX_SUGGESTIONS = 100;

/** `completion/complete` */
export async function complete(
  catalog: Catalog,
  call: Call,
): Promise<JsonObject> {
  const { ref, argument, context: given } = call.params;
  if (
    !isObject(argument) || typeof argument.name !== "string" ||
    typeof argument.value !== "string"
  ) {
    throw new InvalidParamsError(
      "Invalid params: argument must be an object with a name and a value",
    );
  }
  const { completer, owner, isSafe } = await findCompleter(
    catalog,
    ref,
    argument.name,
    call,
  );
  const context = isObject(given)
    ? given as { arguments?: Record<string, string> }
    : undefined;
  const typed = [argument.value, ...Object.values(context?.arguments ?? {})];
  if (completer === undefined || isSafe && !typed.every(isSafe)) {
    return { completion: { values: [], hasMore: false } };
  }
  const suggestions = await completer(
    argument.value,
    context,
    call.contextFor(owner ?? call.owner),
  );
  return {
    completion: {
      values: suggestions.slice(0, MAX_SUGGESTIONS),
      total: suggestions.length,
      hasMore: suggestions.length > MAX_SUGGESTIONS,
    },
  };
}

/** Completer of an argument, and its owner. */
interface Found {
  readonly completer?: CompleteCallback;
  readonly owner?: HandlerOwner;
  /** Tells if it may see what a client has typed: no URI that holds it could be read. */
  readonly isSafe?: (text: unknown) => boolean;
}

async function findCompleter(
  { prompts, resources }: Catalog,
  ref: unknown,
  argument: string,
  call: Call,
): Promise<Found> {
  if (isObject(ref) && ref.type === "ref/prompt") {
    const name = textParam(ref, "name", "ref.name");
    const slot = prompts.slots.get(name);
    if (
      slot === undefined || !slot.item.enabled || !await isOpen(slot, call)
    ) {
      throw new InvalidParamsError(`Prompt ${name} not found`);
    }
    return { completer: slot.item.completer(argument), owner: slot.owner };
  }
  if (isObject(ref) && ref.type === "ref/resource") {
    const uri = uriParam(ref, "uri", "ref.uri");
    const template = resources.findTemplate(uri);
    if (template !== undefined && await isOpen(template, call)) {
      const { item, owner } = template;
      const { resourceTemplate } = item;
      return {
        completer: resourceTemplate.completeCallback(argument),
        owner,
        ...(!resourceTemplate.unsafe && { isSafe: isSafeText }),
      };
    }
    const fixed = resources.fixedAt(uri);
    if (fixed !== undefined && await isOpen(fixed, call)) return {};
    throw new InvalidParamsError(`Resource template ${uri} not found`);
  }
  throw new InvalidParamsError(
    'Invalid params: ref.type must be "ref/prompt" or "ref/resource"',
  );
}

/** @throws {InsufficientScopeError} */
async function isOpen(
  { item: { guard }, scopes }: Kept,
  call: Call,
): Promise<boolean> {
  return admits(call, guard, scopes) &&
    (guard === undefined || await allows(call, guard, undefined));
}
