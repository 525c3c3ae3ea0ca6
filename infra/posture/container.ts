import { NO_PROBES } from "../topology/define/app.ts";
import type { Container, HealthCheck, Probe, ProbeAction, Probes } from "../topology/types.ts";
import type { At } from "./at.ts";
import { readImage } from "./images.ts";
import type { Reading } from "./reading.ts";

/** A container of which nothing is known but its name and image; readers fill in what their platform says. */
export function blankContainer(name: string, image: string): Container {
  return {
    name,
    role: "auxiliary",
    image: readImage(image),
    entrypoint: null,
    args: null,
    workingDirectory: null,
    env: {},
    secrets: [],
    mounts: [],
    tmpfs: [],
    ports: [],
    listens: [],
    probes: NO_PROBES,
    healthCheck: null,
    resources: { cpuMilli: 0, memoryMiB: 0 },
    user: null,
    readOnlyRoot: true,
    capabilities: { drop: ["ALL"], add: [] },
    initProcess: false,
    essential: true,
    restart: null,
    graceSeconds: 30,
    startTimeoutSeconds: null,
    cpuIdle: false,
  };
}

/** What a platform takes where a probe is silent. */
export type ProbeDefaults = Omit<Probe, "action">;

/** A network probe in the words of Kubernetes. Null where there is none. */
export function readProbe(reading: Reading, at: At, defaults: ProbeDefaults): Probe | null {
  if (!at.given) return null;
  const action = readAction(reading, at);
  if (action === null) return null;
  const number = (key: string, absent: number) =>
    reading.number("", at.get(key), absent, ["CHIO-PROBE-RANGE", "CHIO-PROBE-TIMEOUT", "CHIO-PROBE-WINDOW"]);
  return {
    action,
    initialDelaySeconds: number("initialDelaySeconds", defaults.initialDelaySeconds),
    periodSeconds: number("periodSeconds", defaults.periodSeconds),
    timeoutSeconds: number("timeoutSeconds", defaults.timeoutSeconds),
    failureThreshold: number("failureThreshold", defaults.failureThreshold),
    successThreshold: number("successThreshold", defaults.successThreshold),
  };
}

function readAction(reading: Reading, at: At): ProbeAction | null {
  const port = (target: At): number | null => {
    const given = target.get("port");
    if (!given.given) return null;
    const value = given.number();
    if (value === undefined && !given.unresolved) reading.wrong(given, `${JSON.stringify(given.value)} is not the number of a port`);
    if (value === undefined && given.unresolved) reading.ask(["CHIO-PROBE-PATH"], given, "the port is known only when it is deployed");
    return value ?? null;
  };
  const [http, tcp, exec] = [at.get("httpGet"), at.get("tcpSocket"), at.get("exec")];
  const host = http.given ? http.get("host") : tcp.get("host");
  if (host.given && !host.unresolved && !["", "127.0.0.1", "localhost", "0.0.0.0"].includes(host.text() ?? "?"))
    reading.breach("CHIO-PROBE-PATH", host, `the probe is sent to ${host.text()}, and says nothing about this container`, "leave host out");
  if (http.given) return { kind: "http", path: http.get("path").text() || "/", port: port(http) };
  if (tcp.given) return { kind: "tcp", port: port(tcp) };
  if (exec.given) return { kind: "exec", command: exec.get("command").texts() ?? [] };
  // gRPC's health service is this path over HTTP/2.
  if (at.get("grpc").given) return { kind: "http", path: "/grpc.health.v1.Health/Check", port: port(at.get("grpc")) };
  if (at.unresolved) reading.ask(["CHIO-PROBE-MISSING", "CHIO-PROBE-PATH"], at, "the probe is known only when it is deployed");
  else reading.wrong(at, "the probe says neither httpGet nor tcpSocket");
  return null;
}

/** Ports that a container's own probes are sent to. */
export function probedPorts(probes: Probes): number[] {
  return Object.values(probes).flatMap((probe: Probe | null) =>
    probe !== null && probe.action.kind !== "exec" && probe.action.port !== null ? [probe.action.port] : [],
  );
}

/** `CMD` and its words, as ECS and CloudFormation write a health command. A shell's line stays one. */
export function healthWords(command: readonly string[]): string[] {
  const [form, ...words] = command;
  return form === "CMD" ? words : [...command];
}

export type HealthDefaults = Omit<HealthCheck, "command">;
