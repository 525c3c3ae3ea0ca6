import type { Rule } from "./rule.ts";

export const identityExposed: Rule = {
  code: "CHIO-IDENTITY-EXPOSED",
  title: "Containers can get a token of the identity that reads Key Vault",
  severity: "error",
  why: "The app asks for a token and reads the signing key from the vault, however well the variable is kept from it.",
  fix: "set aca.identityLifecycle to None: the platform still resolves secrets and pulls images with it",
  platforms: ["aca"],
  invariants: ["INV-3"],
  traps: [],
  check(topology) {
    if (topology.platform !== "aca" || topology.settings.identityLifecycle === "None") return [];
    return [
      { path: "settings.identityLifecycle", message: `the identity is available to containers (${topology.settings.identityLifecycle})` },
    ];
  },
};
