/** Sends one command and gives the reply. */
type Send = (command: string[]) => Promise<unknown>;

/** A script that Redis runs in one step, by its hash once Redis knows it. */
export class RedisScript {
  readonly #source: string;
  #sha: string | undefined;

  constructor(source: string) {
    this.#source = source;
  }

  /** Has Redis know it beforehand. */
  async load(send: Send): Promise<void> {
    await send(["SCRIPT", "LOAD", this.#source]);
    this.#sha ??= await sha1(this.#source);
  }

  /** Runs it on one key. */
  async run(send: Send, key: string, args: string[]): Promise<unknown> {
    const sha = this.#sha ??= await sha1(this.#source);
    const rest = ["1", key, ...args];
    try {
      return await send(["EVALSHA", sha, ...rest]);
    } catch (error) {
      if (!String(error).includes("NOSCRIPT")) throw error;
      return await send(["EVAL", this.#source, ...rest]);
    }
  }
}

async function sha1(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)).toHex();
}
