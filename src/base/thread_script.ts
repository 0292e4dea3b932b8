import { fileURLToPath } from "node:url";
import { demandOwnFile } from "./errors.ts";

/**
 * What a thread can start from: it takes no https: URL, but a script that imports
 * from one; from JSR only if the URL isn't seen before it runs.
 *
 * @throws {OneFileError}
 * @throws what names the permission that is missing
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
 * @throws {OneFileError}
 */
export function importingScript(module: string): URL {
  demandOwnFile(module);
  const script = `const url = ${JSON.stringify(module)}; await import(url)`;
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
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
