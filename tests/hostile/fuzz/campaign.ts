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
  /** Bytes of memory after a tenth of the inputs, and after all. */
  readonly earlyRss: number;
  readonly lateRss: number;
}

/** Sends a server over HTTP so many inputs. @throws at the first answer that isn't sound */
export async function fuzzHttp(
  target: TargetProcess,
  { seed, inputs, progress }: CampaignOptions,
): Promise<CampaignOutcome> {
  let sent = 0;
  let earlyRss = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      const fuzz = new HttpFuzz(target.port, seed * CLIENTS + client);
      while (sent < inputs) {
        sent++;
        await fuzz.send();
        if (sent % Math.ceil(inputs / 10) !== 0) continue;
        const rss = target.rssBytes();
        earlyRss ||= rss;
        progress?.(sent, rss);
      }
    }),
  );
  return { inputs: sent, earlyRss, lateRss: target.rssBytes() };
}

/** The same over stdio, up to the end of its input. */
export async function fuzzStdio(
  { seed, inputs, progress }: CampaignOptions,
): Promise<CampaignOutcome> {
  const child = TargetProcess.spawnStdio();
  const rss = () => TargetProcess.rssOf(child.pid);
  const fuzz = new StdioFuzz(child, seed);
  let sent = 0;
  let earlyRss = 0;
  let lateRss = 0;
  try {
    while (sent < inputs) {
      await fuzz.send(ROUND);
      sent += ROUND;
      lateRss = rss();
      if (sent >= inputs / 10) earlyRss ||= lateRss;
      if (sent % (ROUND * 500) === 0) progress?.(sent, lateRss);
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
  return { inputs: sent, earlyRss, lateRss };
}
