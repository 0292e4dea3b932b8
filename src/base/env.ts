/** Part that is used of Deno here. */
interface DenoEnv {
  env: { get(name: string): string | undefined };
  permissions: {
    querySync(of: { name: "env"; variable: string }): { state: string };
  };
}

/**
 * An environment variable, or `undefined` where there is none or no permission.
 * It never makes Deno ask for one: on a terminal, a server would wait for the
 * answer before it starts.
 */
export function readEnv(name: string): string | undefined {
  const host = globalThis as {
    Deno?: DenoEnv;
    process?: { env?: Record<string, string | undefined> };
  };
  try {
    // Deno has a `process` too, but merely reading it costs 11 ms (bench/startup.ts).
    if (host.Deno === undefined) return host.process?.env?.[name];
    const { state } = host.Deno.permissions
      .querySync({ name: "env", variable: name });
    return state === "granted" ? host.Deno.env.get(name) : undefined;
  } catch {
    return undefined;
  }
}
