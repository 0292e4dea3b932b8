import { quote } from "../../base/options.ts";
import { isObject } from "../../protocol/jsonrpc.ts";
import {
  type InferOutput,
  issuesText,
  type StandardSchema,
} from "../../protocol/standard_schema.ts";
import type { AuthInfo } from "../../protocol/types.ts";

/** Statements about a caller, by name: those of its token, or of its API key. */
export type Claims = Readonly<Record<string, unknown>>;

/** Somebody who calls, as far as it has been checked. */
export interface Caller {
  /**
   * Tells callers apart. What a caller begins (sessions, tasks, request states)
   * belongs to this id, which outlives the token.
   */
  readonly id: string;
  /** The one who vouches for the caller; missing where `authenticate` doesn't say. */
  readonly issuer?: string;
  /** The issuer's own name for the caller. */
  readonly subject?: string;
  /** The client that the token was issued to. */
  readonly clientId: string;
  /** The scopes that were granted. */
  readonly scopes: readonly string[];
  /** Everything that the token says. */
  readonly claims: Claims;
  /** The end of the token, in seconds since the epoch. */
  readonly expiresAt?: number;
  /** Tells if a scope was granted, or comes with one that was. */
  hasScope(scope: string): boolean;
  /**
   * The claims, checked and typed. Checked once for each schema.
   *
   * @throws {TypeError} naming what doesn't fit
   *
   * @example
   * ```ts
   * import { McpServer } from "@sluice/mcp";
   * import { z } from "zod";
   *
   * const Claims = z.object({ tenant: z.string() });
   * const server = new McpServer({ name: "notes", version: "1.0.0" });
   * server.registerTool("tenant", {}, (ctx) =>
   *   ctx.caller?.claimsAs(Claims).tenant ?? "nobody's");
   * ```
   */
  claimsAs<Schema extends StandardSchema>(schema: Schema): InferOutput<Schema>;
}

/** A caller, made of what transports hand on of it. */
export class KnownCaller implements Caller {
  readonly id: string;
  readonly issuer: string | undefined;
  readonly subject: string | undefined;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly claims: Claims;
  readonly expiresAt: number | undefined;
  readonly #granted: ReadonlySet<string>;
  readonly #read: Map<StandardSchema, unknown> = new Map();

  /** @param granted the scopes, with all that come with them */
  constructor(
    id: string,
    { clientId, scopes, expiresAt, extra = {} }: AuthInfo,
    granted: ReadonlySet<string>,
  ) {
    this.id = id;
    this.issuer = textOf(extra.iss);
    this.subject = textOf(extra.sub);
    this.clientId = clientId;
    this.scopes = scopes;
    this.claims = extra;
    this.expiresAt = expiresAt;
    this.#granted = granted;
  }

  hasScope(scope: string): boolean {
    return this.#granted.has(scope);
  }

  claimsAs<Schema extends StandardSchema>(schema: Schema): InferOutput<Schema> {
    if (!this.#read.has(schema)) {
      this.#read.set(schema, readClaims(schema, this.claims));
    }
    return this.#read.get(schema) as InferOutput<Schema>;
  }
}

/** @throws {TypeError} naming what doesn't fit */
function readClaims(schema: StandardSchema, claims: Claims): unknown {
  const result = schema["~standard"].validate(claims);
  if (result instanceof Promise) {
    throw new TypeError("a schema of claims must answer at once");
  }
  if (result.issues === undefined) return result.value;
  throw new TypeError(`the caller's claims: ${issuesText(result.issues)}`);
}

/**
 * Demands of what says who is calling what tells callers apart: without it, all of
 * them would be nobody, and have one another's sessions.
 *
 * @throws {TypeError} naming what is wrong with it
 */
export function checkAuthInfo(
  { clientId, scopes = [], extra = {} }: AuthInfo,
): void {
  if (typeof clientId !== "string" || clientId === "") {
    throw new TypeError(
      `clientId of who is calling must be a text, and not empty, got ${
        quote(clientId)
      }`,
    );
  }
  if (!Array.isArray(scopes)) {
    throw new TypeError(
      `scopes of who is calling must be an array, got ${quote(scopes)}`,
    );
  }
  if (!isObject(extra)) {
    throw new TypeError(
      `extra of who is calling must be an object or undefined, got ${
        quote(extra)
      }`,
    );
  }
}

/**
 * Text that tells an issuer's identity from all others, whatever its token. No two
 * have the same: a client that is all that's known is named as it is, unless its
 * name could be taken for JSON.
 */
export function identityOf({ clientId, extra }: AuthInfo): string {
  const issuer = textOf(extra?.iss);
  const subject = textOf(extra?.sub);
  if (issuer !== undefined) {
    return JSON.stringify(
      subject === undefined ? [issuer, null, clientId] : [issuer, subject],
    );
  }
  return subject === undefined && !clientId.startsWith("[")
    ? clientId
    : JSON.stringify([null, subject ?? null, clientId]);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
