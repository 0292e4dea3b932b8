/** Who is calling, once something outside MCP has checked it. */
export interface AuthInfo {
  /** The access token as presented. */
  token: string;
  /** The client (or the user) that the token was issued to. */
  clientId: string;
  /** What the token allows. */
  scopes: string[];
  /** When the token expires, in seconds since the epoch. */
  expiresAt?: number;
  /** The resource (audience) that the token is for. */
  resource?: URL;
  /** Anything else the check has learned. */
  extra?: Record<string, unknown>;
}
