import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import { isObject, type JsonObject } from "../../protocol/jsonrpc.ts";
import type { LoggingLevel } from "../../protocol/types.ts";
import { LOG_LEVELS } from "../eras/request_meta.ts";
import { textParam, uriParam } from "./params.ts";

type Check = (params: JsonObject) => void;

const checkCursor: Check = ({ cursor }) => {
  if (cursor === undefined || typeof cursor === "string") return;
  throw new InvalidParamsError("Invalid params: cursor must be a string");
};

const checkUri: Check = (params) => void uriParam(params, "uri");

const checkNamed: Check = (params) => {
  textParam(params, "name");
  objectParam(params, "arguments", true);
};

/** Parameters that MCP's own methods must have (specification, schema). */
const CHECKS: Readonly<Record<string, Check>> = {
  initialize: (params) => {
    textParam(params, "protocolVersion");
    objectParam(params, "capabilities");
    textParam(objectParam(params, "clientInfo"), "name", "clientInfo.name");
  },
  "logging/setLevel": checkLevel,
  "tools/list": checkCursor,
  "tools/call": checkNamed,
  "prompts/list": checkCursor,
  "prompts/get": (params) => {
    checkNamed(params);
    for (const name of Object.keys(params.arguments ?? {})) {
      textParam(params.arguments as JsonObject, name, `arguments.${name}`);
    }
  },
  "resources/list": checkCursor,
  "resources/templates/list": checkCursor,
  "resources/read": checkUri,
  "resources/subscribe": checkUri,
  "resources/unsubscribe": checkUri,
  "completion/complete": (params) => {
    textParam(objectParam(params, "ref"), "type", "ref.type");
    const argument = objectParam(params, "argument");
    textParam(argument, "name", "argument.name");
    textParam(argument, "value", "argument.value");
  },
};

/**
 * Checks the parameters of one of MCP's methods; those of any other are its own
 * affair.
 *
 * @throws {InvalidParamsError} naming the parameter
 */
export function checkCoreParams(method: string, params: JsonObject): void {
  if (Object.hasOwn(CHECKS, method)) CHECKS[method](params);
}

function checkLevel({ level }: JsonObject): void {
  if (LOG_LEVELS.includes(level as LoggingLevel)) return;
  throw new InvalidParamsError(
    `Invalid params: level must be one of ${LOG_LEVELS.join(", ")}`,
  );
}

function objectParam(
  params: JsonObject,
  field: string,
  optional: boolean = false,
): JsonObject {
  const value = params[field];
  if (isObject(value)) return value;
  if (optional && value === undefined) return {};
  throw new InvalidParamsError(`Invalid params: ${field} must be an object`);
}
