import {
  counter,
  type InstrumentValues,
} from "../../observe/metrics/instruments.ts";
import type { PoolStats } from "../pool_options.ts";
import type { CommandCounters } from "./command_guard.ts";

/** Figures of what a `PostgresPool` holds and has done so far. */
export interface PostgresStats extends PoolStats, CommandCounters {
  /** Transactions begun, retries included. */
  transactions: number;
  /** Transactions run again after a serialization failure or a deadlock. */
  transactionRetries: number;
}

/** Measures of a PostgresPool, beside those of its pool of connections. */
export const postgresKind = {
  kind: "postgres",
  measures: {
    commands: counter("Statements sent."),
    command_errors: counter("Statements that failed, whatever the reason."),
    command_timeouts: counter(
      "Statements cancelled because they took too long.",
    ),
    command_aborts: counter("Statements cancelled by their signal."),
    transactions: counter("Transactions begun, retries included."),
    transaction_retries: counter(
      "Transactions run again after a serialization failure or a deadlock.",
    ),
  },
};

/** Reads the measures off a PostgresPool. */
export function postgresValues(
  { stats }: { readonly stats: PostgresStats },
): InstrumentValues<keyof typeof postgresKind.measures> {
  return {
    commands: stats.commands,
    command_errors: stats.commandErrors,
    command_timeouts: stats.commandTimeouts,
    command_aborts: stats.commandAborts,
    transactions: stats.transactions,
    transaction_retries: stats.transactionRetries,
  };
}
