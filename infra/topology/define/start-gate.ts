import { DEFAULTS } from "../defaults.ts";
import type { Container, StartGate, Volume } from "../types.ts";
import { cpuIdleFor, NO_PROBES } from "./app.ts";
import type { Draft } from "./draft.ts";
import { requestedResources } from "./resources.ts";
import { sidecarFlavor, sidecarImage } from "./sidecar.ts";

interface GatePlan {
  readonly startGate: StartGate;
  /** Leaves the wrapper in the shared volume. */
  readonly container: Container | null;
  readonly volume: Volume | null;
  /** Starts the app through the wrapper. */
  readonly wrap: (app: Container) => Container;
}

/**
 * Who makes the app wait. Only Azure has no order of its own: there an init container of the sidecar's image leaves the program in a volume, and
 * the app's own command is started by it. That needs the command, and an image in which the program can run.
 */
export function planStartGate(draft: Draft): GatePlan {
  const unchanged = (app: Container) => app;
  if (draft.platform !== "aca") return { startGate: { kind: "platform" }, container: null, volume: null, wrap: unchanged };
  const app = draft.props.app;
  const possible = app?.command !== undefined && app.image.aca !== null && app.libc !== "none";
  if (app === undefined || !(draft.props.aca?.startGate ?? possible))
    return { startGate: { kind: "traffic" }, container: null, volume: null, wrap: unchanged };

  const { container: name, directory } = DEFAULTS.startGate;
  const program = `${directory}/chio`;
  const volume = DEFAULTS.volumes.gate;
  const appLibc = app.libc ?? DEFAULTS.app.libc;
  const container = gateContainer(draft, name, program, appLibc === "musl" ? "alpine" : "distroless");
  const flavor = container.image.kind === "bundled" ? container.image.flavor : sidecarFlavor(draft);
  return {
    startGate: { kind: "wrapper", container: name, program, programLibc: flavor === "alpine" ? "musl" : "glibc", appLibc },
    container,
    volume: { kind: "empty", name: volume, medium: "disk", sizeMiB: null },
    wrap: (container) => ({
      ...container,
      entrypoint: [program, "wait", "--for", container.env.CHIO_SIDECAR_HEALTH_URL ?? "", "--", ...(container.entrypoint ?? [])],
      mounts: [...container.mounts, { volume, path: directory, readOnly: true }],
    }),
  };
}

function gateContainer(draft: Draft, name: string, program: string, flavor: "alpine" | "distroless"): Container {
  const image = sidecarImage(draft);
  return {
    name,
    role: "init",
    image: image.kind === "bundled" ? { ...image, flavor, configDirectory: null } : image,
    entrypoint: null,
    args: ["install", "--to", program],
    workingDirectory: null,
    env: {},
    secrets: [],
    mounts: [{ volume: DEFAULTS.volumes.gate, path: DEFAULTS.startGate.directory, readOnly: false }],
    tmpfs: [],
    ports: [],
    listens: [],
    probes: NO_PROBES,
    healthCheck: null,
    resources: requestedResources(draft, "init", undefined),
    user: DEFAULTS.sidecar.user[image.kind === "bundled" ? flavor : sidecarFlavor(draft)],
    readOnlyRoot: true,
    capabilities: { drop: ["ALL"], add: [] },
    initProcess: false,
    essential: false,
    restart: null,
    graceSeconds: draft.graceSeconds,
    startTimeoutSeconds: null,
    cpuIdle: cpuIdleFor(draft),
  };
}
