import { freePort } from "./free_port.ts";
import { eventually } from "./eventually.ts";

export const HAS_NGINX: boolean = await new Deno.Command("nginx", {
  args: ["-v"],
}).output().then(({ success }) => success, () => false);

/** nginx before a server, as a process of its own. */
export interface Proxy extends AsyncDisposable {
  readonly url: string;
}

/**
 * Starts nginx with little more than what it is told about the location.
 *
 * @param around what stands beside the server, such as the upstream that the target names
 */
export async function startNginx(
  target: string,
  settings: string,
  around = "",
): Promise<Proxy> {
  const dir = await Deno.makeTempDir();
  const port = await freePort();
  const { origin, pathname } = new URL(target);
  await Deno.writeTextFile(
    `${dir}/nginx.conf`,
    `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error;
    events {}
    http {
      access_log off;
      client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy;
      fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
      ${around}
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass ${origin}; proxy_http_version 1.1; ${settings} }
      }
    }`,
  );
  const process = new Deno.Command("nginx", {
    args: ["-p", dir, "-c", `${dir}/nginx.conf`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://127.0.0.1:${port}${pathname}`;
  await eventually(() =>
    fetch(url, { method: "PUT" })
      .then((response) => response.body?.cancel())
      .then(() => true, () => false)
  );
  return {
    url,
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await process.status;
      await Deno.remove(dir, { recursive: true });
    },
  };
}
