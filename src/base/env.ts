/** An environment variable, or `undefined` where there is none or no permission. */
export function readEnv(name: string): string | undefined {
  const host = globalThis as {
    Deno?: { env: { get(name: string): string | undefined } };
    process?: { env?: Record<string, string | undefined> };
  };
  try {
    // Deno has a `process` too, but merely reading it costs 11 ms (bench/startup.ts).
    return host.Deno !== undefined
      ? host.Deno.env.get(name)
      : host.process?.env?.[name];
  } catch {
    return undefined;
  }
}
