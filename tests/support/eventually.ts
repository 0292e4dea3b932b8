/** Waits until a condition holds; throws when it hasn't within `limitMs`. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!await condition()) {
    if (performance.now() > end) throw new Error("it never came about");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
