import { InvalidOptionError } from "../base/errors.ts";
import { quote } from "../base/options.ts";
import { thrownText } from "../base/thrown.ts";
import type { HttpHost } from "./http_host.ts";

/** The error that names the address, if that is what is wrong; else the error itself. */
export function listenFailure(
  error: unknown,
  { hostname, port, of = "" }: { hostname: string; port: number; of?: string },
): unknown {
  if (error instanceof Deno.errors.AddrInUse) {
    return new Deno.errors.AddrInUse(
      `${of}${hostname}:${port} is in use by another program`,
      { cause: error },
    );
  }
  return isOfHostname(error)
    ? new InvalidOptionError(
      `${of}hostname must be a name or an address of this machine, got ${
        quote(hostname)
      }: ${thrownText(error)}`,
    )
    : error;
}

/** A name that is not found has no class of its own (Deno 2.9). */
function isOfHostname(error: unknown): boolean {
  return error instanceof Deno.errors.AddrNotAvailable ||
    error instanceof URIError ||
    /^failed to lookup address/.test(thrownText(error));
}

/** The URL of the MCP endpoint. */
export function endpointUrl(
  secure: boolean,
  hostname: string,
  port: number,
  host: HttpHost,
): string {
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${secure ? "https" : "http"}://${name}:${port}${host.transport.path}`;
}
