import type { cloudrunv2 } from "@pulumi/gcp/types/input.js";
import {
  type CloudRunVpc,
  type Container,
  cpuQuantity,
  type ImageRef,
  type InputIssue,
  memoryQuantity,
  type Probe,
  type SecretRef,
  type TopologyFor,
  TopologyInputError,
  type Volume,
} from "../topology/index.ts";

type Graph = TopologyFor<"cloud-run">;
type Template = cloudrunv2.ServiceTemplate;

/** Containers, volumes and network of a revision, with the model's markers in them. Throws `TopologyInputError` with everything that Cloud Run has no field for. */
export function revisionTemplate(graph: Graph): Template {
  const issues: InputIssue[] = [];
  const { settings } = graph;
  const template: Template = {
    healthCheckDisabled: false,
    containers: graph.containers.map((one) => container(graph, one, issues)),
    ...(graph.volumes.length === 0 ? {} : { volumes: graph.volumes.map((volume) => volumeSource(graph, volume, issues)) }),
    ...(settings.vpc === null ? {} : { vpcAccess: vpcAccess(settings.vpc) }),
  };
  if (issues.length > 0) throw new TopologyInputError(issues, { code: "not_renderable" });
  return template;
}

function container(graph: Graph, one: Container, issues: InputIssue[]): cloudrunv2.ServiceTemplateContainer {
  const [port] = one.ports;
  const dependsOns = graph.startOrder.filter((edge) => edge.container === one.name).map((edge) => edge.dependsOn);
  const envs = [
    ...Object.entries(one.env).map(([name, value]) => ({ name, value })),
    ...one.secrets.flatMap(({ name, target, ref }) => {
      if (target.kind === "env") return [{ name: target.env, valueSource: { secretKeyRef: secretKey(graph, ref) } }];
      issues.push({
        path: `containers.${one.name}.secrets.${name}`,
        message: "Cloud Run takes a secret as a variable or in a secret volume",
      });
      return [];
    }),
  ];
  return {
    name: one.name,
    image: imageReference(one.image, `containers.${one.name}.image`, issues),
    ...(one.entrypoint === null ? {} : { commands: [...one.entrypoint] }),
    ...(one.args === null ? {} : { args: [...one.args] }),
    ...(one.workingDirectory === null ? {} : { workingDir: one.workingDirectory }),
    ...(envs.length === 0 ? {} : { envs }),
    ...(port === undefined ? {} : { ports: { name: "http1", containerPort: port } }),
    ...(dependsOns.length === 0 ? {} : { dependsOns }),
    ...(one.mounts.length === 0 ? {} : { volumeMounts: one.mounts.map(({ volume, path }) => ({ name: volume, mountPath: path })) }),
    // Said for every container: left out, it means always allocated; mixed, it means nothing certain.
    resources: {
      limits: { cpu: cpuQuantity(one.resources.cpuMilli), memory: memoryQuantity(one.resources.memoryMiB) },
      cpuIdle: one.cpuIdle,
      startupCpuBoost: graph.settings.startupCpuBoost,
    },
    ...probe(one, "startupProbe", one.probes.startup, issues),
    ...probe(one, "livenessProbe", one.probes.liveness, issues),
    ...probe(one, "readinessProbe", one.probes.readiness, issues),
  };
}

/** Readiness has neither an initial delay nor TCP on Cloud Run. */
function probe(one: Container, field: "startupProbe" | "livenessProbe" | "readinessProbe", given: Probe | null, issues: InputIssue[]) {
  if (given === null) return {};
  const { action, initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold, successThreshold } = given;
  const port = action.kind === "exec" || action.port === null ? {} : { port: action.port };
  if (action.kind === "exec" || (action.kind === "tcp" && field === "readinessProbe")) {
    issues.push({ path: `containers.${one.name}.${field}`, message: `Cloud Run has no field for a probe by ${action.kind} here` });
    return {};
  }
  const target = action.kind === "http" ? { httpGet: { path: action.path, ...port } } : { tcpSocket: port };
  const timing = field === "readinessProbe" ? { successThreshold } : { initialDelaySeconds };
  return { [field]: { ...target, ...timing, periodSeconds, timeoutSeconds, failureThreshold } };
}

function imageReference(image: ImageRef, path: string, issues: InputIssue[]): string {
  if (image.kind === "registry" || image.kind === "provided") return image.reference;
  issues.push({ path, message: "Pulumi builds no image here; push it to a registry and name it by digest" });
  return "";
}

/** Secrets of the service's own project go by their short name. */
export function secretName(graph: Graph, ref: SecretRef & { kind: "gcp-secret-manager" }): string {
  const own = ref.project === null || ref.project === graph.settings.project;
  return own ? ref.secret : `projects/${ref.project}/secrets/${ref.secret}`;
}

/** `validate` has refused any other kind of secret. */
function secretKey(graph: Graph, ref: SecretRef): { secret: string; version: string } {
  return ref.kind === "gcp-secret-manager" ? { secret: secretName(graph, ref), version: ref.version } : { secret: "", version: "" };
}

function volumeSource(graph: Graph, volume: Volume, issues: InputIssue[]): cloudrunv2.ServiceTemplateVolume {
  const { name } = volume;
  switch (volume.kind) {
    case "empty":
      return {
        name,
        emptyDir: {
          medium: volume.medium === "memory" ? "MEMORY" : "DISK",
          ...(volume.sizeMiB === null ? {} : { sizeLimit: memoryQuantity(volume.sizeMiB) }),
        },
      };
    case "gcs":
      return { name, gcs: { bucket: volume.bucket, readOnly: volume.readOnly } };
    case "secret": {
      const [file, ...more] = volume.files ?? [];
      if (file === undefined || more.length > 0) {
        issues.push({ path: `volumes.${name}`, message: "on Cloud Run a secret volume holds one secret" });
        return { name };
      }
      const { secret, version } = secretKey(graph, file.ref);
      // Read-only for all: the process that reads it is not the one that owns it.
      return { name, secret: { secret, items: [{ path: file.path, version, mode: 0o444 }] } };
    }
    default:
      issues.push({ path: `volumes.${name}`, message: `Cloud Run has no ${volume.kind} volumes` });
      return { name };
  }
}

function vpcAccess(vpc: CloudRunVpc): cloudrunv2.ServiceTemplateVpcAccess {
  const egress = vpc.egress === "all-traffic" ? "ALL_TRAFFIC" : "PRIVATE_RANGES_ONLY";
  if (vpc.kind === "connector") return { connector: vpc.connector, egress };
  const { network, subnetwork, tags } = vpc;
  return { egress, networkInterfaces: [{ network, subnetwork, ...(tags.length === 0 ? {} : { tags: [...tags] }) }] };
}
