import {
  option,
  type OptionRules,
  readOptions,
} from "../../base/option_rules.ts";
import {
  IssuedTokens,
  TOKEN_ENDPOINT_OPTIONS,
  type TokenEndpointOptions,
} from "./issued_tokens.ts";

/** Options of {@linkcode clientCredentials}. */
export type ClientCredentialsOptions = TokenEndpointOptions;

/** Options of {@linkcode tokenExchange}. */
export interface TokenExchangeOptions extends TokenEndpointOptions {
  /**
   * The API that the token is for, where the provider knows it by a name.
   * @default what `resource` says
   */
  audience?: string;
}

const TOKEN_EXCHANGE_OPTIONS = {
  ...TOKEN_ENDPOINT_OPTIONS,
  audience: option.optional<string>(),
} satisfies OptionRules<TokenExchangeOptions>;

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

/**
 * Gets tokens for this server itself, towards an API behind it (RFC 6749, section
 * 4.4): asked for when one is needed, once at a time, and replaced before it
 * ends. An API that is called with them knows the server, not its caller.
 *
 * @returns what gives the token. @throws {NoTokenError} when it is called
 * @throws {InvalidOptionError} naming the option, also for an endpoint that could
 * be overheard
 *
 * @example
 * ```ts
 * import { clientCredentials, HttpPool } from "@sluice/mcp";
 *
 * const token = clientCredentials({
 *   tokenUrl: "https://login.example.com/token",
 *   clientId: "notes",
 *   clientSecret: "a secret of the deployment",
 *   resource: "https://api.example.com",
 * });
 * async function read(pool: HttpPool, id: string): Promise<unknown> {
 *   const headers = { authorization: `Bearer ${await token()}` };
 *   return await pool.getJson(`https://api.example.com/${id}`, { headers });
 * }
 * ```
 */
export function clientCredentials(
  options: ClientCredentialsOptions,
): () => Promise<string> {
  const tokens = new IssuedTokens(
    readOptions("clientCredentials", options, TOKEN_ENDPOINT_OPTIONS),
  );
  return () => tokens.get("", { grant_type: "client_credentials" });
}

/**
 * Exchanges the token of a caller for one towards an API behind this server (RFC
 * 8693), in which the API finds the caller. The caller's own token stays here.
 *
 * @returns what gives the token. @throws {NoTokenError} when it is called
 * @throws {InvalidOptionError} naming the option, also for an endpoint that could
 * be overheard
 *
 * @example
 * ```ts
 * import { McpServer, tokenExchange } from "@sluice/mcp";
 *
 * const exchange = tokenExchange({
 *   tokenUrl: "https://login.example.com/token",
 *   clientId: "notes",
 *   clientSecret: "a secret of the deployment",
 *   resource: "https://api.example.com",
 * });
 * const server = new McpServer({ name: "notes", version: "1.0.0" });
 * server.registerTool("list", { scopes: ["notes"] }, async (ctx) => {
 *   const token = await exchange(ctx.authInfo!.token);
 *   const answer = await fetch("https://api.example.com/notes", {
 *     headers: { authorization: `Bearer ${token}` },
 *   });
 *   return await answer.text();
 * });
 * ```
 */
export function tokenExchange(
  options: TokenExchangeOptions,
): (subjectToken: string) => Promise<string> {
  const read = readOptions("tokenExchange", options, TOKEN_EXCHANGE_OPTIONS);
  const { audience } = read;
  const tokens = new IssuedTokens(read);
  return (subjectToken) =>
    tokens.get(subjectToken, {
      grant_type: EXCHANGE,
      subject_token: subjectToken,
      subject_token_type: ACCESS_TOKEN,
      ...(audience !== undefined && { audience }),
    });
}
