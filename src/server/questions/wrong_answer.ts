import {
  ProtocolError,
  ProtocolErrorCode,
} from "../../protocol/protocol_errors.ts";

/** `-32602`: a client's answer is none that its question allows. */
export class WrongAnswerError extends ProtocolError {
  /** The class, by name. */
  override readonly name = "WrongAnswerError";

  /** Says which answer it is and why, after "Invalid params". */
  constructor(why: string) {
    super(ProtocolErrorCode.InvalidParams, `Invalid params: ${why}`);
  }
}
