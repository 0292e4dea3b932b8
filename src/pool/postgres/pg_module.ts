import type { PostgresSsl } from "./postgres_driver.ts";

/** What Sluice uses of `npm:pg`. */
export interface PgModule {
  Client: new (config: PgConfig) => PgClient;
  Connection: new (config: { ssl: boolean | PostgresSsl }) => PgCancelWire;
  types: {
    getTypeParser(typeId: number, format: "text"): (text: string) => unknown;
    arrayParser: {
      create(
        text: string,
        decode: (text: string) => unknown,
      ): { parse(): unknown };
    };
  };
}

/** How a client connects. */
export interface PgConfig {
  connectionString: string;
  ssl?: boolean | PostgresSsl;
  application_name: string;
  keepAlive: boolean;
}

/** A connection, as `pg` has it. */
export interface PgClient {
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean | PostgresSsl;
  readonly processID: number;
  readonly secretKey: number;
  readonly connection: PgWire;
  connect(callback: (error?: Error) => void): void;
  query(request: { submit(wire: PgWire): Error | null }): void;
  getTransactionStatus(): "I" | "T" | "E" | null;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "end", listener: () => void): void;
}

/** What Sluice uses of `pg`'s protocol layer. */
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
  on(event: "readyForQuery", listener: () => void): void;
}

/** A parameter on the wire. */
export type PgValue = string | Uint8Array | null;

/** A connection that is made only to cancel what another one runs. */
export interface PgCancelWire {
  readonly stream: { destroy(): void };
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  on(event: "connect" | "sslconnect" | "end", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
}
