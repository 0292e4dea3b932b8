/**
 * The script of a thread whose code is a module of this package. Threads take no
 * https: URL, but a script that imports from one; from JSR only if the URL isn't
 * seen before it runs.
 */
export function threadScript(module: URL): URL {
  if (module.protocol === "file:") return module;
  const script = `const url = ${
    JSON.stringify(module.href)
  }; await import(url)`;
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
}
