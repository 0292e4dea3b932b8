import { createServer } from "node:net";

/**
 * A port that nobody listens on: below those that the system gives to clients,
 * which would take it.
 */
export async function freePort(): Promise<number> {
  while (true) {
    const port = 10_000 + Math.floor(20_000 * Math.random());
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
