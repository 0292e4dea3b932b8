import { type Browser, chromium } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];

const path: string | undefined = PATHS.find(exists);

/** Skips a test that needs a browser where there is none, though never in CI. */
export const ignoreWithoutChromium: boolean = Deno.env.get("CI") !== "true" &&
  path === undefined;

/** Starts Debian's Chromium, which has no business with any network of its own. */
export function launchChromium(): Promise<Browser> {
  if (path === undefined) throw new Error(`no Chromium at ${PATHS.join(", ")}`);
  return chromium.launch({
    executablePath: path,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

function exists(file: string): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    return false;
  }
}
