import { TargetProcess } from "../target_process.ts";
import { HttpFuzz } from "./http_fuzz.ts";
import { StdioFuzz } from "./stdio_fuzz.ts";

/** Clients that send at once over HTTP. */
const CLIENTS = 16;

/** Inputs of a round over stdio. */
const ROUND = 100;

/** How much is sent. */
export interface CampaignOptions {
  readonly seed: number;
  /** Inputs in all. */
  readonly inputs: number;
  /** Told from time to time. */
  progress?(sent: number, rssBytes: number): void;
}

/** What a campaign has come to. */
export interface CampaignOutcome {
  readonly inputs: number;
  /** Bytes of memory after half of the inputs, and after all. */
  readonly halfwayRss: number;
  readonly lastRss: number;
}

/** Sends a server over HTTP so many inputs. @throws at the first answer that isn't sound */
export async function fuzzHttp(
  target: TargetProcess,
  { seed, inputs, progress }: CampaignOptions,
): Promise<CampaignOutcome> {
  let sent = 0;
  let halfwayRss = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      const fuzz = new HttpFuzz(target.port, seed * CLIENTS + client);
      while (sent < inputs) {
        const number = ++sent;
        await fuzz.send();
        if (number % Math.ceil(inputs / 20) !== 0) continue;
        const rss = target.rssBytes();
        if (number >= inputs / 2) halfwayRss ||= rss;
        progress?.(number, rss);
      }
    }),
  );
  return { inputs: sent, halfwayRss, lastRss: target.rssBytes() };
}

/** The same over stdio, up to the end of its input. */
export async function fuzzStdio(
  { seed, inputs, progress }: CampaignOptions,
): Promise<CampaignOutcome> {
  const child = TargetProcess.spawnStdio();
  const rss = () => TargetProcess.rssOf(child.pid);
  const fuzz = new StdioFuzz(child, seed);
  let sent = 0;
  let halfwayRss = 0;
  let lastRss = 0;
  try {
    while (sent < inputs) {
      await fuzz.send(ROUND);
      sent += ROUND;
      lastRss = rss();
      if (sent >= inputs / 2) halfwayRss ||= lastRss;
      if (sent % (ROUND * 500) === 0) progress?.(sent, lastRss);
    }
    await fuzz.close();
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended with its input, as it should.
    }
  }
  const { code, signal } = await child.status;
  if (code !== 0 && signal !== "SIGKILL") {
    throw new Error(`the server ended with ${code}`);
  }
  return { inputs: sent, halfwayRss, lastRss };
}
