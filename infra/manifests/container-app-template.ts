import {
  type Container,
  deferred,
  formatSecretRef,
  memoryQuantity,
  type SecretRef,
  type TopologyFor,
  type Volume,
  WORKLOAD_CLIENT_ID,
} from "../topology/index.ts";
import { type Gaps, registryImage } from "./common.ts";
import type { AzureData } from "./expression.ts";

type Graph = TopologyFor<"aca">;

/** Containers, volumes and scale of a revision. `clientId`: what stands for the workload identity's client id. */
export function revisionTemplate(graph: Graph, clientId: AzureData, gaps: Gaps): { readonly [key: string]: AzureData } {
  const init = graph.containers.filter((one) => one.role === "init");
  return defined({
    terminationGracePeriodSeconds: Math.max(...graph.containers.map((one) => one.graceSeconds)),
    initContainers: init.length === 0 ? undefined : init.map((one) => container(one, clientId, gaps)),
    containers: graph.containers.filter((one) => one.role !== "init").map((one) => container(one, clientId, gaps)),
    scale: {
      minReplicas: graph.scaling.minReplicas,
      maxReplicas: graph.scaling.maxReplicas,
      rules: [{ name: "http-scale", http: { metadata: { concurrentRequests: String(graph.scaling.concurrency) } } }],
    },
    volumes: graph.volumes.length === 0 ? undefined : graph.volumes.map((volume) => volumeSource(volume, gaps)),
  });
}

function container(one: Container, clientId: AzureData, gaps: Gaps): AzureData {
  const env: AzureData[] = [
    ...Object.entries(one.env).map(([name, value]) => ({ name, value: value === deferred(WORKLOAD_CLIENT_ID) ? clientId : value })),
    ...one.secrets.flatMap(({ name, target }) => {
      if (target.kind === "env") return [{ name: target.env, secretRef: name }];
      gaps.add(`containers.${one.name}.secrets`, `${name} is wanted as a file outside a secret volume`);
      return [];
    }),
  ];
  const probes = one.role === "init" ? [] : probesOf(one, gaps);
  return defined({
    name: one.name,
    image: registryImage(one.image, `containers.${one.name}.image`, gaps),
    command: one.entrypoint === null ? undefined : [...one.entrypoint],
    args: one.args === null ? undefined : [...one.args],
    resources: { cpu: one.resources.cpuMilli / 1000, memory: giB(one.resources.memoryMiB) },
    env: env.length === 0 ? undefined : env,
    volumeMounts: one.mounts.length === 0 ? undefined : one.mounts.map(({ volume, path }) => ({ volumeName: volume, mountPath: path })),
    probes: probes.length === 0 ? undefined : probes,
  });
}

function probesOf(one: Container, gaps: Gaps): AzureData[] {
  const types = { startup: "Startup", liveness: "Liveness", readiness: "Readiness" } as const;
  return (["startup", "liveness", "readiness"] as const).flatMap((kind) => {
    const probe = one.probes[kind];
    if (probe === null) return [];
    const { action, initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold, successThreshold } = probe;
    if (action.kind === "exec") {
      gaps.add(`containers.${one.name}.probes.${kind}`, "Azure has no field for a command as probe");
      return [];
    }
    if (action.port === null) gaps.add(`containers.${one.name}.probes.${kind}`, "on Azure a probe names its port");
    const port = action.port ?? 0;
    const target = action.kind === "http" ? { httpGet: { path: action.path, port, scheme: "HTTP" } } : { tcpSocket: { port } };
    return [{ type: types[kind], ...target, initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold, successThreshold }];
  });
}

/** Every secret that a container or a volume refers to, by its name in the app. */
export function referredSecrets(graph: Graph): ReadonlyMap<string, SecretRef> {
  const found = new Map<string, SecretRef>();
  for (const one of graph.containers) for (const secret of one.secrets) found.set(secret.name, secret.ref);
  for (const volume of graph.volumes)
    if (volume.kind === "secret") for (const file of volume.files ?? []) found.set(file.secretName, file.ref);
  return found;
}

/** The same as the app's list of secrets, each a reference to Key Vault that is read with `identity`. */
export function secretList(graph: Graph, identity: AzureData, gaps: Gaps): AzureData[] {
  return [...referredSecrets(graph)].map(([name, ref]) => {
    if (ref.kind !== "azure-key-vault") gaps.add(`secrets.${name}`, "Azure has no field for a secret that is not in Key Vault");
    return { name, keyVaultUrl: formatSecretRef(ref), identity };
  });
}

function volumeSource(volume: Volume, gaps: Gaps): AzureData {
  const { name } = volume;
  switch (volume.kind) {
    case "empty":
      return { name, storageType: "EmptyDir" };
    case "azure-file":
      return { name, storageType: "AzureFile", storageName: volume.storageName };
    case "secret":
      return defined({
        name,
        storageType: "Secret",
        secrets: volume.files?.map(({ secretName, path }) => ({ secretRef: secretName, path })),
      });
    default:
      gaps.add(`volumes.${name}`, `Azure has no ${volume.kind} volumes`);
      return { name };
  }
}

/** Container Apps writes memory in Gi. */
function giB(memoryMiB: number): string {
  return memoryMiB % 256 === 0 ? `${memoryMiB / 1024}Gi` : memoryQuantity(memoryMiB);
}

/** Leaves out what is undefined. */
export function defined(entries: { readonly [key: string]: AzureData | undefined }): { readonly [key: string]: AzureData } {
  return Object.fromEntries(Object.entries(entries).filter((entry): entry is [string, AzureData] => entry[1] !== undefined));
}
