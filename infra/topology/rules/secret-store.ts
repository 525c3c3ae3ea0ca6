import type { SecretKind } from "../secret-ref.ts";
import type { Platform, SecretBinding } from "../types.ts";
import { ALL, at, type Breach, type Rule } from "./rule.ts";

const STORES: { readonly [P in Platform]: readonly SecretKind[] } = {
  ecs: ["aws-secrets-manager", "aws-ssm-parameter"],
  "cloud-run": ["gcp-secret-manager"],
  aca: ["azure-key-vault"],
  local: ["file", "environment"],
};
const NAMES: Readonly<Record<SecretKind, string>> = {
  "aws-secrets-manager": "AWS Secrets Manager",
  "aws-ssm-parameter": "AWS Systems Manager",
  "gcp-secret-manager": "Google Secret Manager",
  "azure-key-vault": "Azure Key Vault",
  file: "a file",
  environment: "the environment",
};

export const secretStore: Rule = {
  code: "CHIO-SECRET-STORE",
  title: "The platform cannot resolve a secret's reference",
  severity: "error",
  why: "The deployment is refused, or the container starts without the value.",
  fix: "keep the secret in this platform's store; byPlatform takes one reference for each platform",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const breaches: Breach[] = [];
    const report = (path: string, { name, ref, target }: Pick<SecretBinding, "name" | "ref"> & { target?: SecretBinding["target"] }) => {
      const takes = STORES[topology.platform];
      if (!takes.includes(ref.kind))
        breaches.push({
          path,
          message: `${name} is in ${NAMES[ref.kind]}; ${topology.platform} takes ${takes.map((kind) => NAMES[kind]).join(" or ")}`,
        });
      else if (topology.platform === "ecs" && target?.kind === "file")
        breaches.push({ path, message: `${name} is wanted as a file, and ECS has no secret files`, fix: "deliver it in a variable" });
    };
    for (const container of topology.containers)
      for (const [index, secret] of container.secrets.entries()) report(at(container, `secrets[${index}]`), secret);
    for (const volume of topology.volumes) {
      if (volume.kind !== "secret") continue;
      for (const [index, file] of (volume.files ?? []).entries())
        report(`volumes.${volume.name}.files[${index}]`, { name: file.secretName, ref: file.ref });
    }
    return breaches;
  },
};
