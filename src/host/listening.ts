import type { HttpHost } from "./http_host.ts";

/** The error that names the address, if that is what is wrong; else the error itself. */
export function addressInUse(
  error: unknown,
  { hostname, port, of = "" }: { hostname: string; port: number; of?: string },
): unknown {
  return error instanceof Deno.errors.AddrInUse
    ? new Deno.errors.AddrInUse(
      `${of}${hostname}:${port} is in use by another program`,
      { cause: error },
    )
    : error;
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
