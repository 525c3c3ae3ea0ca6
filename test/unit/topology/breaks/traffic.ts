import { APP_IMAGE, type Loose, SIDECAR_IMAGE } from "../fixtures.ts";
import { app, auxiliary, type Break, type Breaks, settings, sidecar } from "./break.ts";

/** Rules about start order, ingress and ports. */
export const TRAFFIC: Breaks = {
  "CHIO-START-ORDER": (["ecs", "cloud-run", "aca", "local"] as const).flatMap((platform): Break[] => [
    { what: "no edge", platform, change: (graph) => (graph.startOrder = []) },
    ...(platform === "cloud-run"
      ? []
      : [{ what: "waits only for the start", platform, change: (graph: Loose) => (graph.startOrder[0].condition = "started") }]),
  ]),
  "CHIO-START-CONDITION": [
    {
      what: "healthy without a health check",
      platform: "ecs",
      props: { auxiliary: [auxiliary] },
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "collector", condition: "healthy" }),
    },
    {
      what: "success of an essential container",
      platform: "ecs",
      props: { auxiliary: [auxiliary] },
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "collector", condition: "succeeded" }),
    },
    {
      what: "a condition Cloud Run has not",
      platform: "cloud-run",
      props: { auxiliary: [auxiliary] },
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "collector", condition: "started" }),
    },
    {
      what: "healthy without a startup probe",
      platform: "cloud-run",
      props: { auxiliary: [auxiliary] },
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "collector", condition: "healthy" }),
    },
  ],
  "CHIO-START-CYCLE": [
    {
      what: "two wait for each other",
      platform: "ecs",
      change: (graph) => graph.startOrder.push({ container: "chio-sidecar", dependsOn: "app", condition: "started" }),
    },
    {
      what: "one waits for itself",
      platform: "ecs",
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "app", condition: "started" }),
    },
  ],
  "CHIO-START-UNKNOWN": [
    {
      what: "unknown target",
      platform: "ecs",
      change: (graph) => graph.startOrder.push({ container: "app", dependsOn: "nobody", condition: "started" }),
    },
    {
      what: "unknown container",
      platform: "aca",
      change: (graph) => graph.startOrder.push({ container: "nobody", dependsOn: "chio-sidecar", condition: "healthy" }),
    },
  ],
  "CHIO-START-DEADLOCK": [
    { what: "spec null in the mode", platform: "cloud-run", props: { mode: { kind: "api-protect", spec: null } } },
    {
      what: "spec taken out of the arguments",
      platform: "aca",
      change: sidecar((one) => (one.args = one.args.filter((arg: string) => arg !== "--spec" && !arg.endsWith("openapi.yaml")))),
    },
  ],
  "CHIO-START-GATE": [
    { what: "gate asked for without a command", platform: "aca", props: { aca: { startGate: true } } },
    {
      what: "musl program in a glibc image",
      platform: "aca",
      props: { app: { image: APP_IMAGE, command: ["/app"] }, sidecar: { image: SIDECAR_IMAGE, flavor: "alpine" } },
    },
    {
      what: "static image",
      platform: "aca",
      props: { app: { image: APP_IMAGE, command: ["/app"], libc: "none" }, aca: { startGate: true } },
    },
    {
      what: "app not started through it",
      platform: "aca",
      props: { app: { image: APP_IMAGE, command: ["/app"] } },
      change: app((one) => (one.entrypoint = ["/app"])),
    },
    {
      what: "volume not mounted",
      platform: "aca",
      props: { app: { image: APP_IMAGE, command: ["/app"] } },
      change: app((one) => (one.mounts = [])),
    },
  ],
  "CHIO-INGRESS-TARGET": [
    { what: "traffic to the app", platform: "ecs", change: (graph) => (graph.ingress.container = "app") },
    {
      what: "sidecar on loopback",
      platform: "cloud-run",
      change: sidecar((one) => (one.args[one.args.indexOf("--listen") + 1] = "127.0.0.1:9090")),
    },
    {
      what: "sidecar listens elsewhere",
      platform: "aca",
      change: sidecar((one) => (one.args[one.args.indexOf("--listen") + 1] = "0.0.0.0:9191")),
    },
    { what: "a port nobody announces", platform: "aca", change: (graph) => Object.assign(graph.ingress, { port: 8080 }) },
  ],
  "CHIO-INGRESS-SOURCE": [
    {
      what: "the app's port",
      platform: "ecs",
      change: settings((one) => one.securityGroupIngress.push({ source: "load-balancer", port: 8080 })),
    },
    { what: "everybody", platform: "ecs", change: settings((one) => (one.securityGroupIngress[0].source = "0.0.0.0/0")) },
    { what: "everybody, IPv6", platform: "ecs", change: settings((one) => (one.securityGroupIngress[0].source = "::/0")) },
  ],
  "CHIO-EXTRA-PORT": [
    { what: "the app announces its port", platform: "ecs", change: app((one) => (one.ports = [8080])) },
    { what: "the app announces its port", platform: "cloud-run", change: app((one) => (one.ports = [8080])) },
    { what: "a mapping beside the ingress", platform: "aca", change: (graph) => (graph.ingress.additionalPorts = [8080]) },
    { what: "a second port of the sidecar", platform: "local", change: sidecar((one) => one.ports.push(9091)) },
  ],
  "CHIO-UPSTREAM": [
    {
      what: "another machine",
      platform: "ecs",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "http://10.0.0.7:8080" } },
    },
    {
      what: "the sidecar itself",
      platform: "ecs",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "http://127.0.0.1:9090" } },
    },
    {
      what: "a name that looks like loopback",
      platform: "aca",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "http://127.0.0.1.example.com:8080" } },
    },
    {
      what: "a port without listener",
      platform: "cloud-run",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "http://127.0.0.1:8081" } },
    },
    {
      what: "https",
      platform: "cloud-run",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "https://127.0.0.1:8080" } },
    },
    {
      what: "no URL",
      platform: "local",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "127.0.0.1:8080" } },
    },
    {
      what: "credentials",
      platform: "local",
      props: { mode: { kind: "api-protect", spec: "/etc/chio/spec/openapi.yaml", upstream: "http://user@127.0.0.1:8080" } },
    },
  ],
  "CHIO-PLAIN-HTTP": [
    { what: "allowInsecure", platform: "aca", change: (graph) => (graph.ingress.allowInsecure = true) },
    { what: "external without a certificate", platform: "ecs", props: { exposure: "external" } },
  ],
  "CHIO-PORT-CLASH": [
    { what: "app on the sidecar's port", platform: "cloud-run", props: { auxiliary: [{ ...auxiliary, listens: [9090] }] } },
    { what: "two apps on one port", platform: "ecs", props: { auxiliary: [{ ...auxiliary, listens: [8080] }] } },
  ],
  "CHIO-APP-BIND": (["ecs", "cloud-run", "aca", "local"] as const).map((platform) => ({
    what: "all interfaces",
    platform,
    props: { app: { image: APP_IMAGE, bind: "0.0.0.0" } },
  })),
};
