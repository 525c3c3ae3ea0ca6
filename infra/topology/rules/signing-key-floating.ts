import { keyVaultParts } from "../secret-ref.ts";
import { at, type Rule, theSidecar } from "./rule.ts";

export const signingKeyFloating: Rule = {
  code: "CHIO-SIGNING-KEY-FLOATING",
  title: "The signing key follows its vault",
  severity: "warning",
  why: "Without a version in its URL the platform takes a new value within 30 minutes and restarts replicas: the key changes under a revision that nobody deployed.",
  fix: "add the secret's version to the URL, and deploy a new revision to rotate",
  platforms: ["aca"],
  invariants: [],
  traps: [],
  check(topology) {
    const sidecar = theSidecar(topology);
    return (sidecar?.secrets ?? []).flatMap(({ purpose, ref }, index) => {
      if (sidecar === null || purpose !== "signing-key" || ref.kind !== "azure-key-vault" || keyVaultParts(ref.uri)?.version !== null)
        return [];
      return [{ path: at(sidecar, `secrets[${index}].ref.uri`), message: `${ref.uri} names no version` }];
    });
  },
};
