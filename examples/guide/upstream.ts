import { work } from "./work.ts";

/** What another team's API might be, so that there is one to fetch from. */
export interface Upstream extends AsyncDisposable {
  /** The address that its endpoints are below. */
  readonly url: string;
}

/**
 * Starts a small API on a free port of this machine. Any path is an endpoint;
 * `?status=503` answers with that status, `?ms=200` after that time.
 */
export function startUpstream(): Upstream {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    answer,
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const ms = Math.min(Number(searchParams.get("ms")) || 0, 10_000);
  if (ms > 0) await work(ms, AbortSignal.timeout(20_000));
  const status = Number(searchParams.get("status") ?? 200);
  return Response.json({
    endpoint: decodeURI(pathname.slice(1)),
    status,
    answered_at: new Date().toISOString(),
  }, { status: status >= 200 && status <= 599 ? status : 400 });
}
