import { formatSecretRef, sameSecret } from "../secret-ref.ts";
import type { Container, PlatformTopology } from "../types.ts";
import { ALL, at, type Breach, others, type Rule, SIGNING_KEY_NAMES, theSidecar } from "./rule.ts";

export const signingKeyScope: Rule = {
  code: "CHIO-SIGNING-KEY-SCOPE",
  title: "The signing key is visible outside the sidecar, or is a plain value",
  severity: "error",
  why: "Who has the key can forge receipts. A plain value also lies in templates, state files and consoles.",
  fix: "give the key to the sidecar alone, as a reference in secrets.signingKey; if a value was written down, replace the key",
  platforms: ALL,
  invariants: ["INV-3"],
  traps: [3],
  check(topology) {
    const sidecar = theSidecar(topology);
    const key = sidecar?.secrets.find((one) => one.purpose === "signing-key");
    const breaches: Breach[] = [];
    for (const container of topology.containers) {
      for (const name of Object.keys(container.env)) {
        const plain = SIGNING_KEY_NAMES.includes(name) && !(name === "CHIO_SIGNING_KEY_FILE" && container.role === "sidecar");
        if (plain) breaches.push({ path: at(container, `env.${name}`), message: `${container.name} has ${name} as a plain value` });
      }
    }
    for (const container of others(topology)) breaches.push(...leaks(topology, container, key));
    return breaches;
  },
};

function leaks(topology: PlatformTopology, container: Container, key: Container["secrets"][number] | undefined): Breach[] {
  const breaches: Breach[] = [];
  for (const [index, secret] of container.secrets.entries()) {
    const target = secret.target.kind === "env" ? secret.target.env : secret.target.env;
    const same = key !== undefined && sameSecret(secret.ref, key.ref);
    if (same || secret.purpose === "signing-key" || (target !== null && SIGNING_KEY_NAMES.includes(target))) {
      breaches.push({
        path: at(container, `secrets[${index}]`),
        message: `${container.name} gets the signing key${target === null ? "" : ` in ${target}`}`,
      });
    }
  }
  if (key === undefined) return breaches;
  for (const [name, value] of Object.entries(container.env)) {
    if (SIGNING_KEY_NAMES.includes(name)) continue;
    if (value.includes(formatSecretRef(key.ref)))
      breaches.push({ path: at(container, `env.${name}`), message: `${container.name} is told in ${name} where the signing key is kept` });
  }
  for (const mount of container.mounts) {
    const volume = topology.volumes.find((one) => one.name === mount.volume);
    if (volume?.kind === "secret" && volume.files?.some((file) => sameSecret(file.ref, key.ref))) {
      breaches.push({ path: at(container, "mounts"), message: `${container.name} mounts ${volume.name}, which holds the signing key` });
    }
  }
  return breaches;
}
