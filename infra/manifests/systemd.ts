import type { AnyTopology, Container, TopologyFor } from "../topology/index.ts";
import { checked, Gaps, type RenderOptions, refuseDeferred } from "./common.ts";

type Graph = TopologyFor<"local">;

/** Where an operator's secrets that are variables stand. */
const SECRETS_FILE = "/run/secrets/chio.env";
const PROGRAM = "/usr/local/bin/chio";

export interface SystemdUnits {
  readonly fileName: string;
  readonly text: string;
  /** Makes the app's own unit wait for the sidecar's. Null without an app. */
  readonly appDropIn: { readonly fileName: string; readonly text: string } | null;
}

/** The sidecar as a hardened unit of a host, active when it is healthy. Throws `TopologyError` on findings, `TopologyInputError` on missing values. */
export function systemdUnits(topology: AnyTopology, options: RenderOptions = {}): SystemdUnits {
  const { graph } = checked(topology, "local", options);
  const gaps = new Gaps();
  const sidecar = graph.containers.find((one) => one.role === "sidecar");
  if (sidecar === undefined) gaps.add("containers", "there is no sidecar to write a unit for");
  const text = sidecar === undefined ? "" : unit(graph, sidecar, gaps);
  refuseDeferred(text, gaps);
  gaps.throwIfAny();
  const name = sidecar?.name ?? "";
  const app = graph.containers.find((one) => one.role === "app");
  return {
    fileName: `${name}.service`,
    text,
    appDropIn: app === undefined ? null : { fileName: `${app.name}.service.d/${name}.conf`, text: dropIn(name) },
  };
}

/** The sidecar's unit alone. */
export function systemdUnit(topology: AnyTopology, options: RenderOptions = {}): string {
  return systemdUnits(topology, options).text;
}

function unit(graph: Graph, sidecar: Container, gaps: Gaps): string {
  const health = sidecar.env.CHIO_HEALTH_PATH ?? "";
  const port = graph.ingress.port;
  const slowest =
    (sidecar.healthCheck?.startPeriodSeconds ?? 0) + (sidecar.healthCheck?.intervalSeconds ?? 0) * (sidecar.healthCheck?.retries ?? 0);
  const credentials = sidecar.secrets.flatMap(({ name, target, ref }) =>
    target.kind === "file" && ref.kind === "file" ? [{ name, path: ref.path, env: target.env }] : [],
  );
  for (const { name, path } of credentials)
    if (!path.startsWith("/")) gaps.add(`secrets.${name}`, `systemd takes absolute paths only, and ${path} is relative`);
  const needsFile = sidecar.secrets.some(({ target }) => target.kind === "env");
  const environment = [
    ...Object.entries(sidecar.env).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    ...credentials.flatMap(({ name, env }) => (env === null ? [] : [`Environment=${env}=%d/${name}`])),
  ];
  const writable = sidecar.mounts.filter((mount) => !mount.readOnly).map((mount) => mount.path);
  const lines = [
    "[Unit]",
    "Description=Chio sidecar HTTP service",
    "After=network-online.target",
    "Wants=network-online.target",
    "",
    "[Service]",
    "Type=simple",
    "User=chio",
    "Group=chio",
    `ExecStart=${PROGRAM} ${(sidecar.args ?? []).map(argument).join(" ")}`,
    "# Active means healthy, so that After= in the app's unit is an order.",
    `ExecStartPost=${PROGRAM} wait --for ${argument(`http://127.0.0.1:${port}${health}`)}`,
    ...environment,
    ...credentials.map(({ name, path }) => `LoadCredential=${name}:${escapeSpecifiers(path)}`),
    ...(needsFile ? [`EnvironmentFile=${SECRETS_FILE}`] : []),
    "Restart=on-failure",
    "RestartSec=2s",
    `TimeoutStartSec=${slowest + 15}s`,
    `TimeoutStopSec=${sidecar.graceSeconds}s`,
    ...binds(graph, sidecar, gaps),
    ...limits(sidecar),
    ...HARDENING,
    ...(writable.length === 0 ? [] : [`ReadWritePaths=${writable.map(argument).join(" ")}`]),
    ...writable.filter((path) => path.startsWith("/var/lib/")).map((path) => `StateDirectory=${path.slice("/var/lib/".length)}`),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ];
  return `${lines.join("\n")}\n`;
}

/** The reference unit's, and what else costs a network service without children nothing. */
const HARDENING: readonly string[] = [
  "NoNewPrivileges=true",
  "ProtectSystem=strict",
  "ProtectHome=true",
  "PrivateTmp=true",
  "PrivateDevices=true",
  "ProtectKernelTunables=true",
  "ProtectKernelModules=true",
  "ProtectKernelLogs=true",
  "ProtectControlGroups=true",
  "ProtectClock=true",
  "ProtectHostname=true",
  "ProtectProc=invisible",
  "RestrictNamespaces=true",
  "RestrictRealtime=true",
  "RestrictSUIDSGID=true",
  "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
  "LockPersonality=true",
  "SystemCallArchitectures=native",
  "CapabilityBoundingSet=",
  "AmbientCapabilities=",
  "UMask=0077",
];

function limits({ resources }: Container): string[] {
  return [`MemoryMax=${resources.memoryMiB}M`, `CPUQuota=${Math.round(resources.cpuMilli / 10)}%`];
}

/** The configuration's files, where they stand elsewhere on the host. */
function binds(graph: Graph, sidecar: Container, gaps: Gaps): string[] {
  return sidecar.mounts.flatMap((mount) => {
    const volume = graph.volumes.find((one) => one.name === mount.volume);
    const pairs =
      volume?.kind === "host"
        ? [[volume.source, mount.path] as const]
        : volume?.kind === "secret"
          ? (volume.files ?? []).map((file) => [file.ref.kind === "file" ? file.ref.path : "", `${mount.path}/${file.path}`] as const)
          : [];
    return pairs.flatMap(([source, target]) => {
      if (!source.startsWith("/"))
        gaps.add(`volumes.${mount.volume}`, `systemd takes absolute paths only${source === "" ? "" : `, and ${source} is relative`}`);
      return source === target ? [] : [`BindReadOnlyPaths=${argument(`${source}:${target}`)}`];
    });
  });
}

function dropIn(sidecar: string): string {
  return `# The app runs only while the sidecar is healthy, and is stopped before it.
[Unit]
BindsTo=${sidecar}.service
After=${sidecar}.service
`;
}

/** `%` starts a specifier and `$` a variable in systemd; both are doubled. */
function escapeSpecifiers(text: string): string {
  return text.replaceAll("%", "%%");
}

function argument(text: string): string {
  const escaped = escapeSpecifiers(text).replaceAll("$", "$$$$");
  return /^[A-Za-z0-9_@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

function quoted(text: string): string {
  const escaped = escapeSpecifiers(text);
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
