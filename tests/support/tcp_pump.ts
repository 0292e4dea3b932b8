/**
 * Passes on what comes over a connection, and ends the other with it.
 *
 * @param onChunk told of each piece before it is passed on, and may hold it up
 */
export async function pump(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  onChunk: (bytes: Uint8Array) => void | Promise<void>,
): Promise<void> {
  try {
    for await (const chunk of from.readable) {
      await onChunk(chunk);
      for (let sent = 0; sent < chunk.length;) {
        sent += await to.write(chunk.subarray(sent));
      }
    }
  } catch {
    // One end is gone, and so the other.
  } finally {
    closeQuietly(to);
  }
}

/** Closes a connection, which may be closed already. */
export function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It was closed already.
  }
}
