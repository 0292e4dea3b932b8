import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

/**
 * What a thread can start from: it takes no https: URL, but a script that imports
 * from one; from JSR only if the URL isn't seen before it runs.
 *
 * @throws what names the permission that is missing, or that the program is one file
 */
export function threadScript(module: string): URL {
  const url = new URL(module);
  if (url.protocol !== "file:") return importingScript(module);
  demandOwnFile(module);
  demandRead(url);
  return url;
}

/**
 * A script that does no more than import a module.
 *
 * @throws {Deno.errors.NotSupported} if the program is bundled into one file
 */
export function importingScript(module: string): URL {
  demandOwnFile(module);
  const script = `const url = ${JSON.stringify(module)}; await import(url)`;
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
}

/** In one file with the program, a thread would begin with the program itself. */
function demandOwnFile(module: string): void {
  if (!isMainThread || module !== Deno.mainModule) return;
  throw new Deno.errors.NotSupported(
    "A program that is bundled into one file can start no threads or worker " +
      "processes: bundle it by deno bundle --code-splitting --outdir …",
  );
}

/** Of a module that is loaded here already, the thread itself would tell, on stderr. */
function demandRead(path: URL): void {
  // A compiled program has its modules in it.
  if (Deno.build.standalone) return;
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Requires read access to "${fileURLToPath(path)}", ` +
      "run again with the --allow-read flag",
  );
}
