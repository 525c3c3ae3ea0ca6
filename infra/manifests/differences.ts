/** A field in which a rendered manifest differs, on purpose, from the project's reference manifest. */
export interface Difference {
  readonly manifest: "cloud-run" | "ecs" | "aca" | "systemd";
  /** Path in the manifest, list items by their name; `*` stands for one step, `**` for any number. */
  readonly path: string;
  readonly kind: "added" | "removed" | "changed";
  readonly reason: string;
}

const PINNED = "Images are pinned by digest: whoever can push a tag would decide what runs beside the signing key.";
const LOOPBACK = "127.0.0.1, because localhost may resolve to ::1, where the sidecar does not listen.";
const LIVE = "Liveness asks /chio/live: as liveness, readiness would kill every replica when a receipt sink is away.";
const DRAIN = "The drain fits the platform's grace: the grace less 2 s.";
const STORE = "Receipts are durable by default: the sidecar has a local store, and the volume it needs under a read-only root.";
const EXPLICIT = "Values that the platform would fill in are written out.";
const HEALTH_URL = "The app learns where to ask whether the sidecar is ready, as on Cloud Run.";
const ROOTS = "The app too runs with a read-only root, as a numeric user, without capabilities.";

/** The whole list: a test fails on any other difference, and on an entry that is none. */
export const DIFFERENCES: readonly Difference[] = [
  { manifest: "cloud-run", path: "spec.template.spec.containers.*.image", kind: "changed", reason: PINNED },
  { manifest: "cloud-run", path: "spec.template.spec.containers.app.env.*.value", kind: "changed", reason: LOOPBACK },
  {
    manifest: "cloud-run",
    path: "spec.template.spec.containers.chio-sidecar.env.CHIO_SIGNING_KEY.valueFrom.secretKeyRef.key",
    kind: "changed",
    reason: "The signing key's version is a number: with latest, two instances of one revision may sign with different keys.",
  },
  { manifest: "cloud-run", path: "spec.template.spec.containers.chio-sidecar.livenessProbe.httpGet.path", kind: "changed", reason: LIVE },
  { manifest: "cloud-run", path: "spec.template.spec.containers.chio-sidecar.env.CHIO_SHUTDOWN_DRAIN_MS.**", kind: "added", reason: DRAIN },
  { manifest: "cloud-run", path: "spec.template.spec.containers.chio-sidecar.env.CHIO_RECEIPT_*.**", kind: "added", reason: STORE },
  { manifest: "cloud-run", path: "spec.template.spec.containers.chio-sidecar.volumeMounts.chio-state.**", kind: "added", reason: STORE },
  { manifest: "cloud-run", path: "spec.template.spec.volumes.chio-state.**", kind: "added", reason: STORE },
  {
    manifest: "cloud-run",
    path: "spec.template.spec.containers.chio-sidecar.resources.limits.memory",
    kind: "changed",
    reason: "256Mi: the local store is in memory there, and counts.",
  },
  { manifest: "cloud-run", path: "spec.template.spec.containers.*.*.timeoutSeconds", kind: "added", reason: EXPLICIT },
  { manifest: "cloud-run", path: "spec.template.spec.containers.*.livenessProbe.initialDelaySeconds", kind: "added", reason: EXPLICIT },
  { manifest: "cloud-run", path: "metadata.annotations.run.googleapis.com/ingress", kind: "added", reason: EXPLICIT },
  {
    manifest: "cloud-run",
    path: "spec.template.metadata.annotations.run.googleapis.com/cpu-throttling",
    kind: "added",
    reason: "CPU stays allocated: policy refresh and receipt flush would stall between requests.",
  },
  {
    manifest: "cloud-run",
    path: "spec.template.metadata.annotations.run.googleapis.com/startup-cpu-boost",
    kind: "added",
    reason: "The sidecar is in the way of every cold start; more CPU makes it shorter.",
  },

  { manifest: "ecs", path: "containerDefinitions.*.image", kind: "changed", reason: PINNED },
  { manifest: "ecs", path: "containerDefinitions.app.environment.CHIO_SIDECAR_URL.value", kind: "changed", reason: LOOPBACK },
  { manifest: "ecs", path: "containerDefinitions.app.environment.CHIO_SIDECAR_HEALTH_URL.**", kind: "added", reason: HEALTH_URL },
  {
    manifest: "ecs",
    path: "containerDefinitions.app.portMappings.**",
    kind: "removed",
    reason: "The app announces no port: one that is mapped can be registered with a load balancer, past the kernel.",
  },
  {
    manifest: "ecs",
    path: "containerDefinitions.chio-sidecar.healthCheck.command.**",
    kind: "changed",
    reason: "The program checks itself: curl in a distroless image lacks libraries, and then the app never starts.",
  },
  {
    manifest: "ecs",
    path: "containerDefinitions.chio-sidecar.healthCheck.command.**",
    kind: "added",
    reason: "The check leaves the receipt sinks out: ECS would replace every task while a sink is away.",
  },
  {
    manifest: "ecs",
    path: "containerDefinitions.*.logConfiguration.options.awslogs-create-group",
    kind: "removed",
    reason: "The managed execution policy may not create log groups: the task would not start.",
  },
  {
    manifest: "ecs",
    path: "containerDefinitions.*.logConfiguration.options.awslogs-group",
    kind: "changed",
    reason: "App and sidecar have their own groups: receipts are kept for longer, and read by others.",
  },
  {
    manifest: "ecs",
    path: "containerDefinitions.*.logConfiguration.options.mode",
    kind: "added",
    reason: "The sidecar's log blocks rather than drop receipts; the app's may drop lines rather than block it.",
  },
  {
    manifest: "ecs",
    path: "containerDefinitions.app.logConfiguration.options.max-buffer-size",
    kind: "added",
    reason: "Goes with the app's log mode.",
  },
  { manifest: "ecs", path: "containerDefinitions.*.stopTimeout", kind: "added", reason: EXPLICIT },
  {
    manifest: "ecs",
    path: "containerDefinitions.chio-sidecar.startTimeout",
    kind: "added",
    reason: "A sidecar that never gets healthy is given up after its slowest start.",
  },
  { manifest: "ecs", path: "containerDefinitions.chio-sidecar.environment.CHIO_SHUTDOWN_DRAIN_MS.**", kind: "added", reason: DRAIN },
  { manifest: "ecs", path: "containerDefinitions.chio-sidecar.environment.CHIO_RECEIPT_*.**", kind: "added", reason: STORE },
  { manifest: "ecs", path: "containerDefinitions.chio-sidecar.mountPoints.chio-state.**", kind: "added", reason: STORE },
  { manifest: "ecs", path: "volumes.chio-state.**", kind: "added", reason: STORE },
  { manifest: "ecs", path: "containerDefinitions.app.readonlyRootFilesystem", kind: "added", reason: ROOTS },
  { manifest: "ecs", path: "containerDefinitions.app.user", kind: "added", reason: ROOTS },
  {
    manifest: "ecs",
    path: "containerDefinitions.*.linuxParameters.**",
    kind: "added",
    reason: "All capabilities are dropped; the app has an init process and a writable /tmp in memory.",
  },

  { manifest: "aca", path: "properties.template.containers.*.image", kind: "changed", reason: PINNED },
  { manifest: "aca", path: "properties.template.containers.app.env.CHIO_SIDECAR_URL.value", kind: "changed", reason: LOOPBACK },
  { manifest: "aca", path: "properties.template.containers.app.env.CHIO_SIDECAR_HEALTH_URL.**", kind: "added", reason: HEALTH_URL },
  {
    manifest: "aca",
    path: "properties.template.containers.chio-sidecar.args.**",
    kind: "changed",
    reason: "--spec is given: without it the sidecar asks the app for its spec, while the app waits for the sidecar.",
  },
  { manifest: "aca", path: "properties.template.containers.chio-sidecar.args.**", kind: "added", reason: "Goes with --spec." },
  { manifest: "aca", path: "properties.template.containers.chio-sidecar.probes.Liveness.httpGet.path", kind: "changed", reason: LIVE },
  {
    manifest: "aca",
    path: "properties.template.containers.chio-sidecar.env.*.**",
    kind: "added",
    reason: "The reference relies on the image's variables; here the sidecar is told everything, drain and receipts included.",
  },
  {
    manifest: "aca",
    path: "properties.template.containers.chio-sidecar.volumeMounts.**",
    kind: "added",
    reason: "Spec and receipt store need a place; the reference has neither.",
  },
  {
    manifest: "aca",
    path: "properties.template.volumes.**",
    kind: "added",
    reason: "Spec and receipt store need a place; the reference has neither.",
  },
  { manifest: "aca", path: "properties.template.containers.*.probes.*.timeoutSeconds", kind: "added", reason: EXPLICIT },
  { manifest: "aca", path: "properties.template.containers.*.probes.*.successThreshold", kind: "added", reason: EXPLICIT },
  { manifest: "aca", path: "properties.template.containers.*.probes.*.initialDelaySeconds", kind: "added", reason: EXPLICIT },
  { manifest: "aca", path: "properties.template.containers.*.probes.*.httpGet.scheme", kind: "added", reason: EXPLICIT },
  { manifest: "aca", path: "properties.template.terminationGracePeriodSeconds", kind: "added", reason: EXPLICIT },
  {
    manifest: "aca",
    path: "properties.configuration.maxInactiveRevisions",
    kind: "added",
    reason: "Old revisions, to which one rolls back, are kept but not for ever.",
  },
  {
    manifest: "aca",
    path: "properties.configuration.identitySettings.**",
    kind: "added",
    reason: "The identity that reads Key Vault has lifecycle None, so that no container gets a token of it.",
  },
  {
    manifest: "aca",
    path: "identity.userAssignedIdentities.**",
    kind: "added",
    reason: "Receipts and policy are reached with an identity of their own, which cannot read the vault.",
  },
  {
    manifest: "aca",
    path: "properties.configuration.secrets.*.keyVaultUrl",
    kind: "changed",
    reason: "The topology names the secrets; they are no parameters, so that what is deployed is what was checked.",
  },
  { manifest: "aca", path: "properties.managedEnvironmentId", kind: "removed", reason: "The name is deprecated." },
  { manifest: "aca", path: "properties.environmentId", kind: "added", reason: "The name that took its place." },
  { manifest: "aca", path: "apiVersion", kind: "changed", reason: "identitySettings came with a later version." },

  {
    manifest: "systemd",
    path: "Service.ExecStart",
    kind: "changed",
    reason: "A server to wrap is named: without one only the built-in mock starts.",
  },
  {
    manifest: "systemd",
    path: "Service.ExecStartPost",
    kind: "added",
    reason: "The unit is active when the sidecar is healthy, so that After= in the app's unit is an order.",
  },
  { manifest: "systemd", path: "Service.TimeoutStartSec", kind: "added", reason: "Bounds that wait." },
  {
    manifest: "systemd",
    path: "Service.Environment.*",
    kind: "added",
    reason: "Everything that the sidecar is told stands in the unit; secrets do not.",
  },
  {
    manifest: "systemd",
    path: "Service.LoadCredential",
    kind: "added",
    reason: "A secret that is a file is handed over by systemd, readable for this unit alone.",
  },
  { manifest: "systemd", path: "Service.EnvironmentFile", kind: "removed", reason: "Not needed when no secret is a variable." },
  {
    manifest: "systemd",
    path: "Service.BindReadOnlyPaths",
    kind: "added",
    reason: "The configuration's directory, read-only, where the sidecar expects it.",
  },
  { manifest: "systemd", path: "Service.StateDirectory", kind: "added", reason: "Made by systemd, owned by the unit's user." },
  { manifest: "systemd", path: "Service.MemoryMax", kind: "added", reason: "The resources of the topology." },
  { manifest: "systemd", path: "Service.CPUQuota", kind: "added", reason: "The resources of the topology." },
  { manifest: "systemd", path: "Service.Private*", kind: "added", reason: "Hardening that costs a network service nothing." },
  { manifest: "systemd", path: "Service.Protect*", kind: "added", reason: "Hardening that costs a network service nothing." },
  { manifest: "systemd", path: "Service.Restrict*", kind: "added", reason: "Hardening that costs a network service nothing." },
  { manifest: "systemd", path: "Service.LockPersonality", kind: "added", reason: "Hardening that costs a network service nothing." },
  {
    manifest: "systemd",
    path: "Service.SystemCallArchitectures",
    kind: "added",
    reason: "Hardening that costs a network service nothing.",
  },
  { manifest: "systemd", path: "Service.CapabilityBoundingSet", kind: "added", reason: "No capability can be had." },
  { manifest: "systemd", path: "Service.AmbientCapabilities", kind: "added", reason: "No capability can be had." },
  { manifest: "systemd", path: "Service.UMask", kind: "added", reason: "Receipts are readable for the sidecar's user alone." },
];
