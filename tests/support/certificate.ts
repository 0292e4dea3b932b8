import assert from "node:assert/strict";

/** True where certificates can be made. */
export const hasOpenssl: boolean = Deno.env.get("CI") === "true" ||
  await new Deno.Command("openssl", {
    args: ["version"],
    stdout: "null",
    stderr: "null",
  }).output().then(({ success }) => success, () => false);

/** A certificate for 127.0.0.1 that signs itself. */
export async function makeCertificate(): Promise<
  { cert: string; key: string }
> {
  const directory = await Deno.makeTempDir();
  try {
    const [cert, key] = [`${directory}/cert.pem`, `${directory}/key.pem`];
    const { success } = await new Deno.Command("openssl", {
      args: [
        ...["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"],
        ...["-pkeyopt", "ec_paramgen_curve:prime256v1"],
        ...["-subj", "/CN=127.0.0.1", "-addext", "basicConstraints=CA:FALSE"],
        ...["-addext", "subjectAltName=IP:127.0.0.1"],
        ...["-keyout", key, "-out", cert],
      ],
      stdout: "null",
      stderr: "null",
    }).output();
    assert.ok(success, "openssl made no certificate");
    return {
      cert: await Deno.readTextFile(cert),
      key: await Deno.readTextFile(key),
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
