import { InvalidOptionError } from "../../base/errors.ts";
import { readEnv } from "../../base/env.ts";
import { InvalidParamsError } from "../../protocol/protocol_errors.ts";
import type { ServerContext } from "../server_context.ts";

const encoder = new TextEncoder();

/** The variable that replicas share the key in. */
export const REQUEST_STATE_KEY_VARIABLE = "SLUICE_REQUEST_STATE_KEY";

/** Source of the time, and of a key where none is given. */
export interface StateSealerOptions {
  readonly now?: () => number;
  /**
   * @default a random one, which no other replica has
   */
  readonly makeKey?: () =>
    | Uint8Array<ArrayBuffer>
    | Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Signs what a client carries between the rounds of a request and checks it
 * when it comes back: HMAC-SHA256, an expiry, and a binding that the caller
 * names (method, parameters, principal). Signed, not encrypted: a client can
 * read it.
 */
export class StateSealer {
  readonly #bytes: readonly Uint8Array<ArrayBuffer>[];
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #makeKey: NonNullable<StateSealerOptions["makeKey"]>;
  #keys: Promise<CryptoKey[]> | undefined;

  /** @param keys the first signs, all verify; without any it is the variable's, or one that is made */
  constructor(
    keys: readonly (Uint8Array | string)[],
    ttlMs: number,
    { now = Date.now, makeKey = randomKey }: StateSealerOptions = {},
  ) {
    const given = keys.length > 0
      ? keys.map((key, index) =>
        givenKey(`requestState.key${keys.length > 1 ? `s[${index}]` : ""}`, key)
      )
      : [givenKey(
        REQUEST_STATE_KEY_VARIABLE,
        readEnv(REQUEST_STATE_KEY_VARIABLE),
      )];
    this.#bytes = given.filter((each) => each !== undefined);
    this.#ttlMs = ttlMs;
    this.#now = now;
    this.#makeKey = makeKey;
  }

  /** Made when they are first needed: a server that never asks needs none (bench/startup.ts). */
  get #cryptoKeys(): Promise<CryptoKey[]> {
    return this.#keys ??= this.#importKeys().catch((error) => {
      this.#keys = undefined;
      throw error;
    });
  }

  /** Has the key that was made for it made anew. */
  renewKey(): void {
    this.#keys = undefined;
  }

  async #importKeys(): Promise<CryptoKey[]> {
    const bytes = this.#bytes.length > 0
      ? this.#bytes
      : [await this.#makeKey()];
    return await Promise.all(bytes.map(importKey));
  }

  /** The sealed text of a payload, valid for one binding. */
  async seal(payload: unknown, binding: string): Promise<string> {
    const body = toBase64Url(encoder.encode(
      JSON.stringify({ p: payload, e: this.#now() + this.#ttlMs }),
    ));
    const mac = await crypto.subtle.sign(
      "HMAC",
      (await this.#cryptoKeys)[0],
      encoder.encode(`${body}.${binding}`),
    );
    return `${body}.${toBase64Url(new Uint8Array(mac))}`;
  }

  /** @throws {InvalidParamsError} if the text was not sealed here for this binding, or is too old */
  async open(sealed: string, binding: string): Promise<unknown> {
    const refuse = (why: string) =>
      new InvalidParamsError(`Invalid params: requestState ${why}`);
    const dot = sealed.indexOf(".");
    const mac = fromBase64Url(sealed.slice(dot + 1));
    const body = fromBase64Url(sealed.slice(0, Math.max(dot, 0)));
    if (dot < 1 || mac === undefined || body === undefined) {
      throw refuse("is malformed");
    }
    const signed = encoder.encode(`${sealed.slice(0, dot)}.${binding}`);
    const verified = await Promise.all(
      (await this.#cryptoKeys).map((key) =>
        crypto.subtle.verify("HMAC", key, mac, signed)
      ),
    );
    if (!verified.includes(true)) {
      throw refuse(
        "was not issued for this request to this caller, or not with this " +
          "server's key",
      );
    }
    const { p, e } = JSON.parse(new TextDecoder().decode(body));
    if (e < this.#now()) throw refuse("has expired: start over");
    return p;
  }
}

function randomKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(32));
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey(
    "raw",
    bytes,
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
}

/** @throws {InvalidOptionError} naming where a key that is too short comes from */
function givenKey(
  name: string,
  key: Uint8Array | string | undefined,
): Uint8Array<ArrayBuffer> | undefined {
  if (key === undefined || key === null) return undefined;
  const bytes = typeof key === "string"
    ? encoder.encode(key)
    : Uint8Array.from(key);
  if (bytes.length >= 32) return bytes;
  throw new InvalidOptionError(
    `${name} must be at least 32 bytes, got ${bytes.length}`,
  );
}

/** Settings for how {@linkcode createRequestStateCodec} signs. */
export interface RequestStateCodecOptions {
  /** At least 32 bytes, the same on every replica. */
  key: Uint8Array | string;
  /**
   * Seconds for which a state is taken back.
   * @default 600
   */
  ttlSeconds?: number;
  /** Text that the state is bound to, such as the method and the caller. */
  bind?: (ctx: ServerContext) => string;
}

/** Signs request states and checks them. */
export interface RequestStateCodec<T = unknown> {
  /** The text for `inputRequired({ requestState })`. */
  mint(payload: T, ctx?: ServerContext): Promise<string>;
  /** The payload again. @throws {InvalidParamsError} if it is not genuine */
  verify(state: string, ctx: ServerContext): Promise<T>;
}

/**
 * Signs a request state of your own. The engine already seals every state it
 * hands out and binds it to method, parameters and caller; this is for servers
 * that come from the official SDK, and for a key or a binding of your own.
 *
 * @throws {InvalidOptionError} for a key under 32 bytes or a bad `ttlSeconds`
 *
 * @example
 * ```ts
 * import { createRequestStateCodec } from "@sluice/mcp";
 *
 * const codec = createRequestStateCodec<{ step: number }>({
 *   key: crypto.getRandomValues(new Uint8Array(32)),
 * });
 * const state = await codec.mint({ step: 1 });
 * ```
 */
export function createRequestStateCodec<T = unknown>(
  { key, ttlSeconds = 600, bind }: RequestStateCodecOptions,
): RequestStateCodec<T> {
  if (!(Number.isFinite(ttlSeconds) && ttlSeconds > 0)) {
    throw new InvalidOptionError(
      `ttlSeconds must be a number above 0, got ${ttlSeconds}`,
    );
  }
  const sealer = new StateSealer([key], ttlSeconds * 1000);
  return {
    async mint(payload, ctx) {
      if (bind !== undefined && ctx === undefined) {
        throw new TypeError("mint() needs ctx when the codec has a bind");
      }
      return await sealer.seal(payload, bind === undefined ? "" : bind(ctx!));
    },
    async verify(state, ctx) {
      return await sealer.open(state, bind?.(ctx) ?? "") as T;
    },
  };
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_")
    .replaceAll("=", "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\w-]+$/.test(text)) return undefined;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}
