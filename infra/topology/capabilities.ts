import type { Capability } from "./contract.ts";
import type { InvariantId, Platform } from "./types.ts";

export const INVARIANTS: { readonly [I in InvariantId]: string } = {
  "INV-1": "The app starts only after the sidecar answers its health endpoint",
  "INV-2": "Only the sidecar's port is reachable from outside; the app is on loopback",
  "INV-3": "Signing key, authority URL and control token are visible to the sidecar alone",
  "INV-4": "The root file system cannot be written",
  "INV-5": "Containers run as a numeric uid that is not root, without capabilities",
  "INV-6": "Startup, liveness and readiness of the sidecar are probed",
  "INV-7": "SIGTERM drains: in-flight requests finish and every receipt is flushed",
  "INV-8": "A sidecar that cannot load its key, spec or policy keeps the app from serving",
  "INV-9": "The sidecar runs a real command under the image's own entrypoint",
  "INV-10": "Images are pinned by digest",
};
export const INVARIANT_IDS = Object.keys(INVARIANTS) as InvariantId[];

type Cell = Omit<Capability, "invariant">;
const native = (aspect: string, mechanism: string): Cell => ({ aspect, level: "native", mechanism, instead: null });
const partial = (aspect: string, mechanism: string, instead: string): Cell => ({ aspect, level: "partial", mechanism, instead });
const none = (aspect: string, mechanism: string, instead: string): Cell => ({ aspect, level: "none", mechanism, instead });

type Matrix = { readonly [P in Platform]: { readonly [I in InvariantId]: readonly Cell[] } };

const IMAGE_OWNS_NOTHING =
  "the image's files belong to root and its uid is another, so the process cannot change them; it refuses to start where it could";
const IMAGE_USER = "the bundled image's USER is numeric and not root, and the sidecar refuses to start as uid 0";

/** What each platform can do at best. `posture` says what a topology makes of it. */
const MATRIX: Matrix = {
  "cloud-run": {
    "INV-1": [native("start order", "dependsOns (container-dependencies) with a startup probe on the sidecar")],
    "INV-2": [native("ports", "exactly one container may announce a port")],
    "INV-3": [
      native("variables and files", "secret references and mounts per container"),
      none(
        "identity",
        "one service account per revision; the metadata server answers every container",
        "an own service account that can read this one secret only",
      ),
    ],
    "INV-4": [none("root file system", "no field; the root is a writable layer in memory", IMAGE_OWNS_NOTHING)],
    "INV-5": [none("user", "no field; the image's USER holds", IMAGE_USER)],
    "INV-6": [
      native("startup", "HTTP, TCP or gRPC; window up to 240 s"),
      native("liveness", "HTTP, TCP or gRPC"),
      partial(
        "readiness",
        "HTTP or gRPC, as a preview (launch stage BETA)",
        "the startup probe opens traffic, and the sidecar answers 503 while it is not ready",
      ),
    ],
    "INV-7": [
      none(
        "length",
        "10 s from SIGTERM to SIGKILL, without a field to change it",
        "the drain is cut to 8 s and receipts are durable before the answer leaves",
      ),
      none("order", "all containers get SIGTERM together", "the sidecar answers 503 when the app is gone first"),
    ],
    "INV-8": [native("release", "the revision never gets ready, and traffic stays where it was")],
    "INV-9": [native("command", "args, with the image's ENTRYPOINT kept")],
    "INV-10": [
      partial("digest", "the reference is a string; Binary Authorization can enforce it", "this kit refuses references without a digest"),
    ],
  },
  ecs: {
    "INV-1": [native("start order", "dependsOn with condition HEALTHY, and a health check on the sidecar")],
    "INV-2": [
      partial(
        "ports",
        "port mappings are information only; what listens is reachable where the security group allows it",
        "a security group that lets in the load balancer on the sidecar's port alone, and an app on loopback",
      ),
    ],
    "INV-3": [
      native("variables", "secrets per container, resolved with the execution role"),
      native("identity", "containers cannot reach the execution role; the task role gets nothing about the secret"),
    ],
    "INV-4": [native("root file system", "readonlyRootFilesystem")],
    "INV-5": [native("user", "user, and capabilities drop ALL")],
    "INV-6": [
      partial("startup", "only the health command, with a start period up to 300 s", "the sidecar's own health command"),
      partial("liveness", "an unhealthy essential container ends the task", "the same health command"),
      partial("readiness", "the load balancer's target check", "the check asks the sidecar's health path, but for the receipt sinks"),
    ],
    "INV-7": [
      native("length", "stopTimeout, 2 to 120 s"),
      partial(
        "order",
        "the app is stopped first, then the sidecar",
        "the target is deregistered for the longest request before either is stopped",
      ),
    ],
    "INV-8": [native("release", "the app never starts, and the circuit breaker rolls back")],
    "INV-9": [native("command", "command, with the image's ENTRYPOINT kept")],
    "INV-10": [
      partial("digest", "versionConsistency pins a tag to a digest for one deployment", "this kit refuses references without a digest"),
    ],
  },
  aca: {
    "INV-1": [
      none(
        "start order",
        "no field; a replica gets traffic only when all its containers are ready",
        "the start gate: the app's process is started by a program that waits for the sidecar",
      ),
    ],
    "INV-2": [
      native("ports", "one ingress target port"),
      partial("environment", "other apps of the environment reach ingress ports only", "the app listens on loopback"),
    ],
    "INV-3": [
      native("variables and files", "secret references and mounts per container"),
      partial(
        "store",
        "the app's secret store is shared by its containers",
        "only the sidecar refers to them, and secret volumes list what they hold",
      ),
      native("identity", "identitySettings with lifecycle None: no container gets a token"),
    ],
    "INV-4": [none("root file system", "no field", IMAGE_OWNS_NOTHING)],
    "INV-5": [none("user", "no field; the image's USER holds", IMAGE_USER)],
    "INV-6": [native("startup", "HTTP or TCP"), native("liveness", "HTTP or TCP"), native("readiness", "HTTP or TCP")],
    "INV-7": [
      native("length", "terminationGracePeriodSeconds"),
      none("order", "all containers get SIGTERM together", "the sidecar answers 503 when the app is gone first"),
    ],
    "INV-8": [
      partial("release", "the revision is not activated; the app's process may run", "the start gate keeps the process from starting"),
    ],
    "INV-9": [native("command", "args, with the image's ENTRYPOINT kept")],
    "INV-10": [none("digest", "nothing enforces it", "this kit refuses references without a digest")],
  },
  local: {
    "INV-1": [native("start order", "depends_on with condition service_healthy")],
    "INV-2": [native("ports", "only the sidecar's port is published; the app shares its network namespace")],
    "INV-3": [
      partial(
        "variables and files",
        "per container; whoever may use the Docker socket sees all of them",
        "secrets as files, readable by the sidecar's uid",
      ),
    ],
    "INV-4": [native("root file system", "read_only")],
    "INV-5": [native("user", "user, cap_drop ALL, no-new-privileges")],
    "INV-6": [
      partial("startup", "the health command, with a start period", "the sidecar's own health command"),
      partial("liveness", "the health command is shown, and restarts nothing", "restart: on-failure when the process ends"),
      partial("readiness", "the health command is shown", "callers ask the health path"),
    ],
    "INV-7": [native("length", "stop_grace_period"), native("order", "the reverse of depends_on")],
    "INV-8": [native("start", "the app is not started while the sidecar is unhealthy")],
    "INV-9": [native("command", "command, with the image's ENTRYPOINT kept")],
    "INV-10": [none("digest", "nothing enforces it, and local images have none", "this kit asks for digests on the clouds")],
  },
};

/** The invariant matrix of one platform, as data. */
export function capabilities(platform: Platform): Capability[] {
  return INVARIANT_IDS.flatMap((invariant) => MATRIX[platform][invariant].map((cell) => ({ invariant, ...cell })));
}
