import type { PostgresSsl } from "./postgres_driver.ts";

/** A parameter on the wire. */
export type PgValue = string | Uint8Array | null;

/** Messages from the server, as far as Sluice looks at them. */
export interface PgMessages {
  rowDescription: { fields: { name: string; dataTypeID: number }[] };
  dataRow: { fields: (string | null)[] };
  commandComplete: { text: string };
  copyInResponse: unknown;
  copyData: unknown;
  errorMessage: Error;
  readyForQuery: { status: "I" | "T" | "E" };
  error: Error;
  connect: unknown;
  sslconnect: unknown;
  end: unknown;
}

/** The part of `pg`'s protocol layer that Sluice uses. */
export interface PgWire {
  readonly stream: {
    cork(): void;
    uncork(): void;
    destroy(): void;
  };
  parse(message: { name: string; text: string }): void;
  describe(message: { type: "S"; name: string }): void;
  bind(message: { statement: string; values: PgValue[] }): void;
  execute(message: { portal?: string }): void;
  close(message: { type: "S"; name: string }): void;
  query(text: string): void;
  sync(): void;
  sendCopyFail(message: string): void;
  end(): void;
  on<Name extends keyof PgMessages>(
    event: Name,
    listener: (message: PgMessages[Name]) => void,
  ): void;
  removeAllListeners(): void;
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/** A connection, as `pg` has it; it makes the wire and proves who asks. */
export interface PgClient {
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean | PostgresSsl;
  readonly processID: number;
  readonly secretKey: number;
  readonly connection: PgWire;
  connect(callback: (error?: Error) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
}

/** The part of `npm:pg` that Sluice uses. */
export interface PgModule {
  Client: new (config: object) => PgClient;
  Connection: new (config: object) => PgWire;
}

/** Loads `pg`, which none needs who has a driver of their own. */
export async function loadPg(): Promise<PgModule> {
  const { default: pg } = await import("pg") as unknown as {
    default: PgModule;
  };
  return pg;
}
