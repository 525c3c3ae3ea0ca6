import { type SecretRef, sameSecret } from "../secret-ref.ts";
import type { Container, PlatformTopology, SecretFile, Volume } from "../types.ts";
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
    const key = sidecar?.secrets.find((one) => one.purpose === "signing-key");
    // That the key is elsewhere is a rule of its own.
    const files = mountedFiles(topology, sidecar).filter(({ ref }) => key === undefined || !sameSecret(ref, key.ref));
    const own = [...(sidecar?.secrets ?? []).filter((one) => one !== key), ...files].map(({ ref }) => ref);
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

/** What the sidecar has as files. */
function mountedFiles(topology: PlatformTopology, sidecar: Container | null): readonly SecretFile[] {
  const names = new Set(sidecar?.mounts.map(({ volume }) => volume));
  return topology.volumes.flatMap((one) => (names.has(one.name) && one.kind === "secret" ? (one.files ?? []) : []));
}

function leaks(topology: PlatformTopology, container: Container, own: readonly SecretRef[], sidecar: Container | null): Breach[] {
  const breaches: Breach[] = [];
  for (const [index, secret] of container.secrets.entries()) {
    const name = secret.target.env;
    if (own.some((one) => sameSecret(one, secret.ref)) || (name !== null && SIDECAR_SECRET_NAMES.includes(name))) {
      breaches.push({ path: at(container, `secrets[${index}]`), message: `${container.name} gets ${secret.name}, which is the sidecar's` });
    }
  }
  for (const [index, mount] of container.mounts.entries()) {
    const volume = topology.volumes.find((one) => one.name === mount.volume);
    if (volume === undefined) continue;
    const sidecars = topology.volumes.some(
      (one) => sidecar?.mounts.some((its) => its.volume === one.name) === true && (one.name === volume.name || sameStorage(one, volume)),
    );
    const holds = volume.kind === "secret" && volume.files?.some((file) => own.some((one) => sameSecret(one, file.ref))) === true;
    if (sidecars || holds)
      breaches.push({
        path: at(container, `mounts[${index}]`),
        message: `${container.name} mounts ${volume.name}, which is the sidecar's`,
      });
  }
  return breaches;
}

/** Two volumes of other names that are one place. */
function sameStorage(a: Volume, b: Volume): boolean {
  if (a.kind === "efs" && b.kind === "efs") {
    if (a.fileSystemId !== b.fileSystemId) return false;
    if (a.accessPointId !== null && a.accessPointId === b.accessPointId) return true;
    // An access point shows a directory that is not known here: the whole file system has it, another directory may.
    return wholeOf(a) || wholeOf(b) || (a.accessPointId === null && b.accessPointId === null && (below(a, b) || below(b, a)));
  }
  if (a.kind === "azure-file" && b.kind === "azure-file") return a.storageName === b.storageName;
  if (a.kind === "gcs" && b.kind === "gcs") return a.bucket === b.bucket;
  return a.kind === "host" && b.kind === "host" && a.source === b.source;
}

type Efs = Extract<Volume, { kind: "efs" }>;

function wholeOf({ accessPointId, rootDirectory }: Efs): boolean {
  return accessPointId === null && (rootDirectory ?? "/") === "/";
}

function below(a: Efs, b: Efs): boolean {
  return `${a.rootDirectory}/`.startsWith(`${b.rootDirectory}/`);
}
