/**
 * What a thread can start from: it takes no https: URL, but a script that imports
 * from one; from JSR only if the URL isn't seen before it runs.
 */
export function threadScript(module: string): URL {
  const url = new URL(module);
  return url.protocol === "file:" ? url : importingScript(module);
}

/** A script that does no more than import a module. */
export function importingScript(module: string): URL {
  const script = `const url = ${JSON.stringify(module)}; await import(url)`;
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
}
