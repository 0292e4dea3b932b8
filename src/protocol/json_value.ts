import { SluiceError } from "../base/errors.ts";
import { wellFormedJson } from "../base/well_formed_json.ts";
import { explain } from "./json_fault.ts";
import { PLAIN, REFORMED, UNSAYABLE, verdictOf } from "./json_verdict.ts";

/** A value has no form in JSON: it would have come out as `{}` or `null`, or not at all. */
export class JsonValueError extends SluiceError {
  /** The class, by name. */
  override readonly name = "JsonValueError";

  /** Says what it is, where it is, and what to do. */
  constructor(fault: string) {
    super("SLUICE_JSON_VALUE", fault);
  }
}

/**
 * Tells why a value can't be sent as JSON, with the path to the part that can't
 * and what to do instead; `undefined` if all of it can.
 *
 * What JSON has forms for may be sent: plain objects, arrays, whatever has a
 * `toJSON()`, and instances with fields, as their fields. A member that is
 * `undefined` is left out, an item that is `undefined` becomes null. Refused is
 * what `JSON.stringify` would lose without a word: a Map, a Set, an Error, bytes,
 * a Response, instances without any field, NaN, functions, and BigInt.
 */
export function jsonFault(value: unknown): string | undefined {
  return verdictOf(value) === UNSAYABLE ? explain(value) : undefined;
}

/**
 * A value as it arrives: itself where JSON says it as it is, otherwise a copy
 * that has been written and read.
 *
 * @throws {JsonValueError} if it has no form in JSON
 */
export function jsonForm(value: unknown): unknown {
  if (value === undefined) return undefined;
  const verdict = verdictOf(value);
  if (verdict === PLAIN) return value;
  if (verdict === REFORMED) return JSON.parse(JSON.stringify(value));
  throw new JsonValueError(explain(value));
}

/**
 * The text of a value, without half characters in it.
 *
 * @throws {JsonValueError} if it has no form in JSON
 */
export function jsonText(value: unknown): string {
  if (verdictOf(value) === UNSAYABLE) throw new JsonValueError(explain(value));
  const text = JSON.stringify(value);
  if (text === undefined) {
    throw new JsonValueError(`${typeof value} can't be sent as JSON`);
  }
  return wellFormedJson(text);
}
