import { at, type Rule, theSidecar } from "./rule.ts";

export const signingKeyVersion: Rule = {
  code: "CHIO-SIGNING-KEY-VERSION",
  title: "The signing key's version is `latest`",
  severity: "error",
  why: "It is resolved when an instance starts: after a rotation two instances of one revision sign with different keys.",
  fix: "name the version's number, and deploy a new revision to rotate",
  platforms: ["cloud-run"],
  invariants: [],
  traps: [13],
  check(topology) {
    const sidecar = theSidecar(topology);
    return (sidecar?.secrets ?? []).flatMap((secret, index) =>
      sidecar !== null && secret.purpose === "signing-key" && secret.ref.kind === "gcp-secret-manager" && secret.ref.version === "latest"
        ? [{ path: at(sidecar, `secrets[${index}].ref.version`), message: `${secret.ref.secret} is taken at version latest` }]
        : [],
    );
  },
};
