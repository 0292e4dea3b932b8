/**
 * The script of a thread whose code is a module. Threads take no https: URL, but
 * a script that imports from one; from JSR only if the URL isn't seen before it
 * runs.
 */
export function threadScript(module: string): URL {
  const url = new URL(module);
  if (url.protocol === "file:") return url;
  const script = `const url = ${JSON.stringify(module)}; await import(url)`;
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
}
