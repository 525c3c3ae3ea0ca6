import { sameSecret } from "../secret-ref.ts";
import type { Container, PlatformTopology, SecretBinding } from "../types.ts";
import { ALL, at, type Breach, others, type Rule, SIDECAR_SECRET_NAMES, theSidecar } from "./rule.ts";

export const secretScope: Rule = {
  code: "CHIO-SECRET-SCOPE",
  title: "A secret of the sidecar is visible outside it, or is a plain value",
  severity: "error",
  why: "With the control token the app commands its own guard; with the authority's address or the kernel's files it learns what it is measured by.",
  fix: "give the secret to the sidecar alone, as a reference under secrets",
  platforms: ALL,
  invariants: ["INV-3"],
  traps: [],
  check(topology) {
    const sidecar = theSidecar(topology);
    const own = (sidecar?.secrets ?? []).filter((one) => one.purpose !== "signing-key");
    const breaches: Breach[] = [];
    for (const container of topology.containers) {
      for (const name of Object.keys(container.env)) {
        if (SIDECAR_SECRET_NAMES.includes(name))
          breaches.push({ path: at(container, `env.${name}`), message: `${container.name} has ${name} as a plain value` });
      }
    }
    for (const container of others(topology)) breaches.push(...leaks(topology, container, own, sidecar));
    return breaches;
  },
};

function leaks(topology: PlatformTopology, container: Container, own: readonly SecretBinding[], sidecar: Container | null): Breach[] {
  const breaches: Breach[] = [];
  for (const [index, secret] of container.secrets.entries()) {
    const name = secret.target.env;
    if (own.some((one) => sameSecret(one.ref, secret.ref)) || (name !== null && SIDECAR_SECRET_NAMES.includes(name))) {
      breaches.push({ path: at(container, `secrets[${index}]`), message: `${container.name} gets ${secret.name}, which is the sidecar's` });
    }
  }
  for (const [index, mount] of container.mounts.entries()) {
    const volume = topology.volumes.find((one) => one.name === mount.volume);
    const sidecars = sidecar?.mounts.some((one) => one.volume === mount.volume) === true;
    if (volume !== undefined && sidecars)
      breaches.push({
        path: at(container, `mounts[${index}]`),
        message: `${container.name} mounts ${volume.name}, which is the sidecar's`,
      });
  }
  return breaches;
}
