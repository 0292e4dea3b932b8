/** Header of an answer after which its connection takes no other request. */
export const LAST_ON_CONNECTION: Readonly<Record<string, string>> = {
  connection: "close",
};

/** Has a connection end with a response. */
export function endConnection(response: Response): Response {
  // A WebSocket has the connection to itself.
  if (response.status === 101) return response;
  try {
    response.headers.set("connection", "close");
    return response;
  } catch { // those of another server's response are immutable
    const headers = new Headers(response.headers);
    headers.set("connection", "close");
    const { body, status, statusText } = response;
    return new Response(body, { status, statusText, headers });
  }
}
