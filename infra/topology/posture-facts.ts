import type { Enforcer, PostureLevel } from "./contract.ts";
import { imagePin } from "./image.ts";
import { isRemoteSink } from "./receipt-sink.ts";
import type { ConfigKind, InvariantId, PlatformTopology } from "./types.ts";

interface Fact {
  readonly level: PostureLevel;
  readonly by: readonly Enforcer[];
  readonly how: string;
  readonly residualRisk: string;
}

const fact = (level: PostureLevel, by: readonly Enforcer[], how: string, residualRisk = ""): Fact => ({ level, by, how, residualRisk });

/** One function an invariant: what holds it for a topology without findings. */
export const POSTURE: { readonly [I in InvariantId]: (graph: PlatformTopology) => Fact } = {
  "INV-1": startOrder,
  "INV-2": singleIngress,
  "INV-3": secretScope,
  "INV-4": readOnlyRoot,
  "INV-5": nonRoot,
  "INV-6": probes,
  "INV-7": drain,
  "INV-8": (graph) => withConfig(failClosed(graph), graph),
  "INV-9": () => fact("enforced", ["platform"], "the image's entrypoint is kept and its arguments are set"),
  "INV-10": pinned,
};

function startOrder({ platform, startGate, containers }: PlatformTopology): Fact {
  if (!containers.some((one) => one.role === "app" || one.role === "auxiliary"))
    return fact("enforced", ["kernel"], "there is no app process but the one that the sidecar starts itself");
  if (startGate.kind === "wrapper") {
    return fact(
      "enforced",
      ["start gate", "platform"],
      "the app's process is started by a program that waits for the sidecar; requests wait until every container is ready",
      "after a restart of the sidecar alone the app runs on; its calls are refused until the sidecar is back",
    );
  }
  if (startGate.kind === "traffic") {
    return fact(
      "partial",
      ["platform"],
      "requests wait until every container is ready",
      "the app's process starts at once and may call out before the kernel can decide; give app.command for the start gate",
    );
  }
  const how = {
    ecs: "dependsOn HEALTHY on the sidecar's health check",
    "cloud-run": "container-dependencies on the sidecar's startup probe",
    local: "depends_on service_healthy",
    aca: "",
  }[platform];
  return fact(
    "enforced",
    ["platform"],
    how,
    "evaluated at start only: while a restarted sidecar comes back, the app runs and is reached by nobody",
  );
}

function singleIngress({ platform }: PlatformTopology): Fact {
  switch (platform) {
    case "ecs":
      return fact(
        "partial",
        ["platform"],
        "the security group lets in the load balancer on the sidecar's port alone",
        "whoever may change the security group opens every port that listens; an app on loopback stays out of reach even then",
      );
    case "cloud-run":
      return fact("enforced", ["platform"], "one container announces a port, and traffic goes there");
    case "aca":
      return fact(
        "enforced",
        ["platform"],
        "one ingress target port, no additional mappings",
        "other apps of the environment reach nothing else, as long as the app listens on loopback",
      );
    case "local":
      return fact(
        "enforced",
        ["platform"],
        "only the sidecar's port is published, on one host address",
        "processes of the host reach what they may reach",
      );
  }
}

function secretScope(graph: PlatformTopology): Fact {
  const wrapped = graph.mode.kind === "mcp-serve-http" && graph.mode.command.length > 0;
  const child = wrapped
    ? "the wrapped MCP server runs in the sidecar's container under its uid, and could read the sidecar's memory and environment"
    : "";
  const shared = sharedWrite(graph);
  const join = (text: string) => [text, shared, child].filter((one) => one !== "").join("; ");
  const level: PostureLevel = wrapped ? "partial" : "enforced";
  switch (graph.platform) {
    case "ecs":
      return fact(
        level,
        ["platform"],
        "resolved with the execution role, which no container reaches, into the sidecar alone",
        join("statements that are added to the task role elsewhere are not seen here"),
      );
    case "cloud-run":
      return fact(
        "partial",
        ["platform"],
        "references and mounts on the sidecar alone",
        join(
          "the app shares the service account, and can ask Secret Manager for the key through the metadata server; an own account with this one secret limits what it finds",
        ),
      );
    case "aca":
      return fact(
        level,
        ["platform"],
        "references on the sidecar alone; the identity that reads the vault has lifecycle None",
        join("whoever has the listSecrets action on the app sees plain values"),
      );
    case "local":
      return fact("partial", ["platform"], "given to the sidecar alone", join("whoever may use Docker on this machine sees every secret"));
  }
}

/** Receipts are signed, so what the app could do with the sidecar's way to the sink is add noise, or delete where the grant allows it. */
function sharedWrite({ receipts, platform }: PlatformTopology): string {
  if (platform === "local" || !receipts.sinks.some(isRemoteSink)) return "";
  const by = { ecs: "the task role", "cloud-run": "the service account", aca: "the workload identity" }[platform];
  return `the app shares ${by} that reaches the receipt sink; a forged receipt does not verify, but keep the grant to adding`;
}

function readOnlyRoot({ platform }: PlatformTopology): Fact {
  if (platform === "ecs" || platform === "local")
    return fact("enforced", ["platform"], "the root file system is mounted read-only in every container");
  return fact(
    "unenforceable",
    ["image", "kernel"],
    "the image's files belong to root and its uid is another; the sidecar checks at start that it cannot change its own program",
    "the root is writable where the image lets its uid write, such as /tmp; the app's image is the user's",
  );
}

function nonRoot({ platform }: PlatformTopology): Fact {
  if (platform === "ecs" || platform === "local")
    return fact("enforced", ["platform"], "numeric uid and gid on every container, all capabilities dropped");
  return fact(
    "unenforceable",
    ["image", "kernel"],
    "the image's USER is numeric and not root; the sidecar refuses to start as uid 0",
    "the platform takes whatever USER the app's image has",
  );
}

function probes(graph: PlatformTopology): Fact {
  switch (graph.platform) {
    case "ecs":
      return fact(
        "enforced",
        ["platform"],
        "health command in the sidecar, target check of the load balancer on its health path",
        ["the health command stands for startup, liveness and readiness alike", withoutSink(graph)]
          .filter((text) => text !== "")
          .join("; "),
      );
    case "cloud-run": {
      const ready = graph.containers.some((one) => one.role === "sidecar" && one.probes.readiness !== null);
      if (ready)
        return fact(
          "enforced",
          ["platform"],
          "startup, liveness and readiness probes on the sidecar",
          "readiness is a preview of Cloud Run",
        );
      return fact(
        "partial",
        ["platform", "kernel"],
        "startup and liveness probes on the sidecar",
        "no readiness probe: an instance whose sink is away keeps its traffic and answers 503",
      );
    }
    case "aca":
      return fact("enforced", ["platform"], "startup, liveness and readiness probes on the sidecar");
    case "local":
      return fact("partial", ["platform"], "health command in the sidecar", "an unhealthy container is shown, not restarted");
  }
}

/** Neither check asks after the sinks, since ECS would replace every task for them: the sidecar itself says what an outage means. */
function withoutSink({ receipts }: PlatformTopology): string {
  if (!receipts.sinks.some(isRemoteSink)) return "";
  return receipts.acknowledge === "sink"
    ? "while the receipt sink is away tasks keep their traffic, and the sidecar answers 503 with Retry-After"
    : "while the receipt sink is away tasks keep their traffic and serve it, and receipts wait on the task's own volume";
}

function drain(graph: PlatformTopology): Fact {
  const sidecar = graph.containers.find((one) => one.role === "sidecar");
  const drainSeconds = Number(sidecar?.env.CHIO_SHUTDOWN_DRAIN_MS ?? 0) / 1000;
  const durable =
    graph.receipts.acknowledge === "sink" && graph.receipts.sinks.some(isRemoteSink)
      ? "an answer leaves when the remote engine has its receipt"
      : graph.receipts.store === null
        ? "receipts are only in memory until their sink has them"
        : "an answer leaves when the local store has its receipt, which does not survive the replica's volume";
  const how = `the sidecar drains for ${drainSeconds} s of ${sidecar?.graceSeconds ?? 0} s; ${durable}`;
  switch (graph.platform) {
    case "cloud-run":
      return fact(
        "partial",
        ["kernel", "platform"],
        how,
        "10 s between SIGTERM and SIGKILL, and no more: requests that are longer at a forced stop are lost and receipted as incomplete",
      );
    case "ecs":
      return fact(
        "enforced",
        ["platform", "kernel"],
        how,
        "the app is stopped before the sidecar: after the deregistration delay, and at once when a task dies otherwise; then callers get 503 with a receipt",
      );
    case "aca":
      return fact(
        "enforced",
        ["platform", "kernel"],
        how,
        "both get SIGTERM at once: if the app is gone first, callers get 503 with a receipt",
      );
    case "local":
      return fact("enforced", ["platform", "kernel"], how);
  }
}

function failClosed(graph: PlatformTopology): Fact {
  switch (graph.platform) {
    case "ecs":
      return fact(
        "enforced",
        ["kernel", "platform"],
        "the sidecar exits before it listens, the app never starts, the deployment rolls back",
      );
    case "cloud-run":
      return fact(
        "enforced",
        ["kernel", "platform"],
        "the sidecar exits before it listens, the revision never gets ready, traffic stays where it was",
      );
    case "aca":
      if (graph.startGate.kind === "wrapper")
        return fact(
          "enforced",
          ["kernel", "start gate", "platform"],
          "the sidecar exits before it listens, the app's process is not started, the revision is not activated",
        );
      return fact(
        "partial",
        ["kernel", "platform"],
        "the sidecar exits before it listens and the revision is not activated",
        "the app's process runs, without traffic",
      );
    case "local":
      return fact("enforced", ["kernel", "platform"], "the sidecar exits before it listens, and the app is not started");
  }
}

/** What the sidecar cannot start without, and who may change it. */
const CONFIG: { readonly [K in ConfigKind]: string } = {
  image: "spec and policy are in the sidecar's image: whoever may deploy another image decides the policy",
  efs: "spec and policy are on the file system: whoever may write there decides the policy of every replica that starts, without a deployment",
  "secret-files": "spec and policy are secrets: whoever may add a version, and deploy it, decides the policy",
  fetched:
    "spec and policy are fetched at start: whoever may write the objects decides the policy of every replica that starts, without a deployment, and while they cannot be read none starts",
  gcs: "spec and policy are in the bucket: whoever may write there decides the policy of every replica that starts, without a deployment",
  "azure-file":
    "spec and policy are on the file share: whoever may write there decides the policy of every replica that starts, without a deployment",
  host: "spec and policy are a directory of this machine: whoever may write there decides the policy",
};

function withConfig(given: Fact, { config }: PlatformTopology): Fact {
  return { ...given, residualRisk: [given.residualRisk, CONFIG[config.kind]].filter((text) => text !== "").join("; ") };
}

function pinned(graph: PlatformTopology): Fact {
  const open = graph.containers.filter((one) => !["digest", "build"].includes(imagePin(one.image)));
  if (open.length === 0)
    return fact(
      "enforced",
      ["image"],
      "every image is named by digest, or built by this deployment",
      graph.platform === "cloud-run" ? "Binary Authorization can hold others to it as well" : "",
    );
  return fact(
    "partial",
    ["image"],
    "images that are known here are pinned",
    `not known or not pinned here: ${open.map((one) => one.name).join(", ")}`,
  );
}
