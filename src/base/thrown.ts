/** Tells what a thrown value says; anything can be thrown, even what has no text. */
export function thrownText(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "something that can't be shown was thrown";
  }
}
