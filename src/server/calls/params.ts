import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import { MAX_URI_LENGTH } from "../../protocol/uri_form.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";

/** A parameter that must be a URI, of which only the length is checked. @throws {InvalidParamsError} naming it */
export function uriParam(
  params: JsonObject,
  field: string,
  name: string = field,
): string {
  const uri = textParam(params, field, name);
  if (uri.length <= MAX_URI_LENGTH) return uri;
  throw new InvalidParamsError(
    `Invalid params: ${name} must have at most ${MAX_URI_LENGTH} characters`,
  );
}

/** A parameter that must be a string. @throws {InvalidParamsError} naming it */
export function textParam(
  params: JsonObject,
  field: string,
  name: string = field,
): string {
  const value = params[field];
  if (typeof value === "string") return value;
  throw new InvalidParamsError(`Invalid params: ${name} must be a string`);
}
