import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import type { JsonObject } from "../../protocol/jsonrpc.ts";

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
