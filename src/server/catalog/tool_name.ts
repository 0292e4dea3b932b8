import { checkName } from "../../base/options.ts";

export function checkToolName(
  name: string,
  warn: (message: string) => void,
): string {
  checkName("a tool's name", name);
  if (!/^[\w./-]{1,128}$/.test(name)) {
    warn(
      `tool name ${JSON.stringify(name)} may not work with every client: use ` +
        `1 to 128 letters, digits, "_", "-", "." and "/"`,
    );
  }
  return name;
}
