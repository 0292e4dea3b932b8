import type { AuthInfo } from "../../protocol/types.ts";
import type { Reply } from "./reply.ts";

/**
 * The reply of work that several requests wait for: it says who began it, and
 * says nothing to any of them.
 */
export class SharedReply implements Reply {
  readonly request: Request | undefined;
  readonly authInfo: AuthInfo | undefined;

  constructor({ request, authInfo }: Reply) {
    this.request = request;
    this.authInfo = authInfo;
  }

  respond(): void {}
  send(): void {}
  abandon(): void {}
  onDisconnect(): void {}
}
