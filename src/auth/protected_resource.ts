import { InvalidOptionError } from "../base/errors.ts";
import { isLoopback } from "../base/loopback.ts";
import { quote } from "../base/options.ts";

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

/** Contents of the metadata of a protected resource. */
export interface ProtectedResourceOptions {
  /** The canonical URI of the MCP endpoint. */
  readonly resource: string;
  /** The endpoint's path on this server, which a proxy may show under another. */
  readonly path: string;
  readonly name: string;
  readonly issuers: readonly string[];
  /** Algorithms of proofs that a caller holds its token's key. */
  readonly proofAlgorithms: readonly string[];
  readonly scopes: readonly string[];
}

/** The MCP endpoint as OAuth clients know it: its metadata (RFC 9728). */
export class ProtectedResource {
  readonly metadataUrl: string;
  readonly #paths: ReadonlySet<string>;
  readonly #text: string;

  constructor(
    { resource, path, name, issuers, proofAlgorithms, scopes }:
      ProtectedResourceOptions,
  ) {
    const { origin, pathname } = new URL(resource);
    const suffix = pathname === "/" ? "" : pathname;
    this.metadataUrl = origin + WELL_KNOWN + suffix;
    this.#paths = new Set([
      WELL_KNOWN,
      WELL_KNOWN + suffix,
      WELL_KNOWN + path,
    ]);
    this.#text = JSON.stringify({
      resource,
      resource_name: name,
      authorization_servers: issuers,
      ...(scopes.length > 0 && { scopes_supported: scopes }),
      bearer_methods_supported: ["header"],
      ...(proofAlgorithms.length > 0 &&
        { dpop_signing_alg_values_supported: proofAlgorithms }),
    });
  }

  /** Tells if a path is one of its metadata. */
  serves(pathname: string): boolean {
    return this.#paths.has(pathname);
  }

  /** Answers a request for the metadata: any page may read it. */
  handle({ method }: Request): Response {
    if (method === "OPTIONS") {
      return new Response(null, { status: 204, headers: PREFLIGHT });
    }
    if (method !== "GET" && method !== "HEAD") {
      return new Response(null, { status: 405, headers: { allow: "GET" } });
    }
    return new Response(method === "HEAD" ? null : this.#text, {
      headers: METADATA,
    });
  }
}

const ANY_ORIGIN = { "access-control-allow-origin": "*" };

const METADATA = {
  ...ANY_ORIGIN,
  "content-type": "application/json",
  "cache-control": "public, max-age=300",
};

const PREFLIGHT = {
  ...ANY_ORIGIN,
  "access-control-allow-methods": "GET",
  "access-control-allow-headers": "*",
  "access-control-max-age": "600",
};

/**
 * The endpoint's URI under what the server is called outside; no slash ends it.
 *
 * @throws {InvalidOptionError} if that has the endpoint's path in it already
 */
export function resourceUri(publicUrl: URL, path: string): string {
  const { origin, href } = publicUrl;
  const prefix = withoutSlash(publicUrl.pathname);
  const suffix = withoutSlash(path);
  if (suffix === "" || !prefix.endsWith(suffix)) {
    return origin + prefix + suffix;
  }
  throw new InvalidOptionError(
    `publicUrl must not have the endpoint's path in it, which follows it: write ${
      quote(origin + prefix.slice(0, -suffix.length))
    }, got ${quote(href)}`,
  );
}

function withoutSlash(text: string): string {
  return text.replace(/\/+$/, "");
}

/** @throws {InvalidOptionError} for what no client could go to */
export function checkPublicUrl(name: string, given: unknown): URL {
  const url = URL.parse(given as string);
  if (
    url !== null && /^https?:$/.test(url.protocol) && url.search === "" &&
    url.hash === "" && url.username === "" && url.password === ""
  ) return url;
  throw new InvalidOptionError(
    `${name} must be a URL such as "https://mcp.example.com", got ${
      quote(given)
    }`,
  );
}

/**
 * A URL of a provider, which must not be read on the way to it.
 *
 * @throws {InvalidOptionError} unless it is HTTPS, or on this machine
 */
export function checkProviderUrl(name: string, url: unknown): URL {
  const parsed = URL.parse(url as string);
  if (
    parsed !== null && parsed.hash === "" && parsed.username === "" &&
    (parsed.protocol === "https:" ||
      (parsed.protocol === "http:" && isLoopback(parsed.hostname)))
  ) return parsed;
  throw new InvalidOptionError(
    `${name} must be an https URL (http on the loopback alone), got ${
      quote(String(url))
    }`,
  );
}

/** A URI of a resource as it is compared: case and a last slash don't count. */
export function canonicalUri(uri: string): string {
  const url = URL.parse(uri);
  return url === null ? uri : url.href.replace(/\/$/, "");
}
