import { ALL, at, type Rule, theSidecar } from "./rule.ts";

export const signingKeyMissing: Rule = {
  code: "CHIO-SIGNING-KEY-MISSING",
  title: "The sidecar has no signing key",
  severity: "error",
  why: "It fails closed: without a key it exits before it listens, and the app never starts.",
  fix: "give secrets.signingKey a reference that this platform can resolve",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const sidecar = theSidecar(topology);
    if (sidecar === null || sidecar.secrets.some((one) => one.purpose === "signing-key")) return [];
    return [{ path: at(sidecar, "secrets"), message: `no secret gives ${sidecar.name} its signing key` }];
  },
};
