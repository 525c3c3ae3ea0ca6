import { DEFAULTS } from "../defaults.ts";
import type { ParsedProps } from "../schema/props.ts";
import type { SecretRef } from "../secret-ref.ts";
import { keyVaultParts } from "../secret-ref.ts";
import type { ConfigDelivery, Mount, Platform, SecretFile, Volume } from "../types.ts";

/** How the sidecar's files reach it on one platform. */
export interface ConfigPlan {
  readonly delivery: ConfigDelivery;
  readonly volumes: readonly Volume[];
  readonly mounts: readonly Mount[];
  /** Path or URL of kernel.yaml as the sidecar gets it. Null: the image's own default holds. */
  readonly kernelConfig: string | null;
  /** Where the sidecar finds a file that the user named by its path. */
  readonly locate: (path: string) => string;
}

export function planConfig(props: ParsedProps, platform: Platform): ConfigPlan {
  const delivery = props.config?.[platform] ?? ({ kind: "image" } as const);
  const locate = (path: string) => (delivery.kind === "fetched" ? fetchedUrl(delivery.base, path) : path);
  const kernelConfig = kernelConfigPath(props, delivery);
  return { delivery, ...placement(delivery), kernelConfig: kernelConfig === null ? null : locate(kernelConfig), locate };
}

/** `/etc/chio/spec/openapi.yaml` below `s3://bucket/prefix/` is `s3://bucket/prefix/spec/openapi.yaml`. URLs stay as they are. */
function fetchedUrl(base: string, path: string): string {
  if (path.includes("://")) return path;
  return `${base}${path.replace(new RegExp(`^${DEFAULTS.sidecar.configMount}/`), "").replace(/^\//, "")}`;
}

function kernelConfigPath(props: ParsedProps, delivery: ConfigDelivery): string | null {
  const given = props.sidecar?.kernelConfig;
  if (given !== undefined) return given;
  if (delivery.kind === "secret-files") return delivery.files.find((file) => file.path.endsWith("/kernel.yaml"))?.path ?? null;
  return delivery.kind === "image" ? null : DEFAULTS.sidecar.kernelConfig;
}

function placement(delivery: ConfigDelivery): { volumes: Volume[]; mounts: Mount[] } {
  const name = DEFAULTS.volumes.config;
  switch (delivery.kind) {
    case "image":
    case "fetched":
      return { volumes: [], mounts: [] };
    case "secret-files":
      return secretVolumes(delivery.files);
    case "efs": {
      const { fileSystemId, accessPointId, rootDirectory, transitEncryption, iam } = delivery;
      return one({ kind: "efs", name, fileSystemId, accessPointId, rootDirectory, transitEncryption, iam }, delivery.mountPath);
    }
    case "gcs":
      return one({ kind: "gcs", name, bucket: delivery.bucket, readOnly: true }, delivery.mountPath);
    case "azure-file":
      return one({ kind: "azure-file", name, storageName: delivery.storageName, readOnly: true }, delivery.mountPath);
    case "host":
      return one({ kind: "host", name, source: delivery.directory }, delivery.mountPath);
  }
}

function one(volume: Volume, path: string): { volumes: Volume[]; mounts: Mount[] } {
  return { volumes: [volume], mounts: [{ volume: volume.name, path, readOnly: true }] };
}

/** One volume a directory, since a secret volume hides whatever else is there. */
function secretVolumes(files: readonly { path: string; ref: SecretRef }[]): { volumes: Volume[]; mounts: Mount[] } {
  const directories = new Map<string, SecretFile[]>();
  for (const { path, ref } of files) {
    const cut = path.lastIndexOf("/");
    const directory = path.slice(0, cut) || "/";
    const secretName = secretLabel(ref, path);
    directories.set(directory, [...(directories.get(directory) ?? []), { secretName, ref, path: path.slice(cut + 1) }]);
  }
  const volumes: Volume[] = [];
  const mounts: Mount[] = [];
  for (const [directory, group] of directories) {
    const [first] = group;
    const name = group.length === 1 && first !== undefined ? first.secretName : dnsLabel(`${DEFAULTS.volumes.config}${directory}`);
    volumes.push({ kind: "secret", name, files: group });
    mounts.push({ volume: name, path: directory, readOnly: true });
  }
  return { volumes, mounts };
}

/** The secret's own name as a DNS label, or one made from the file's name. */
export function secretLabel(ref: SecretRef, path: string): string {
  const stored =
    ref.kind === "gcp-secret-manager" ? ref.secret : ref.kind === "azure-key-vault" ? keyVaultParts(ref.uri)?.secret : undefined;
  return dnsLabel(stored ?? `chio-${path.slice(path.lastIndexOf("/") + 1)}`);
}

export function dnsLabel(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63)
    .replace(/-+$/, "");
}
