import { formatSecretRef } from "../secret-ref.ts";
import { ALL, type Breach, type Rule } from "./rule.ts";

export const secretNames: Rule = {
  code: "CHIO-SECRET-NAMES",
  title: "One name stands for two secrets",
  severity: "error",
  why: "Azure and Compose keep all secrets of a deployment in one list: the second would take the first one's place.",
  fix: "rename the container or the variable, so that the names differ by more than case and punctuation",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const known = new Map<string, string>();
    const breaches: Breach[] = [];
    const see = (path: string, name: string, reference: string) => {
      const before = known.get(name);
      if (before !== undefined && before !== reference) breaches.push({ path, message: `${name} stands for two different references` });
      known.set(name, reference);
    };
    for (const container of topology.containers) {
      for (const [index, secret] of container.secrets.entries())
        see(`containers.${container.name}.secrets[${index}]`, secret.name, formatSecretRef(secret.ref));
    }
    for (const volume of topology.volumes) {
      if (volume.kind !== "secret") continue;
      for (const [index, file] of (volume.files ?? []).entries())
        see(`volumes.${volume.name}.files[${index}]`, file.secretName, formatSecretRef(file.ref));
    }
    return breaches;
  },
};
