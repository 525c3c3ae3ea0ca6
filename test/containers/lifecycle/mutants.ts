import type { LifecycleTopic } from "../../../infra/local/suite/index.ts";
import { withContainers } from "../../../infra/local/suite/trial.ts";
import type { Container, Platform, PlatformTopology } from "../../../infra/topology/index.ts";

/** A topology that is broken on purpose, and the test of the suite that has to notice. */
export interface Mutant {
  readonly platform: Exclude<Platform, "local">;
  readonly what: string;
  readonly change: (graph: PlatformTopology) => PlatformTopology;
  /** Findings that say the same before anything runs, and are accepted so that it runs. */
  readonly codes: readonly string[];
  readonly topic: LifecycleTopic;
  /** Of the test that fails. */
  readonly title: string;
}

const TOO_LONG_MS = 60_000;

const changed =
  (role: Container["role"], change: (one: Container) => Partial<Container>) =>
  (graph: PlatformTopology): PlatformTopology =>
    withContainers(graph, (one) => (one.role === role ? { ...one, ...change(one) } : one));

const withoutDependency = (graph: PlatformTopology): PlatformTopology => ({ ...graph, startOrder: [] });
/** The app's own program in place of `chio wait … -- program`. */
const withoutGate = changed("app", ({ entrypoint }) => ({ entrypoint: entrypoint?.slice(entrypoint.indexOf("--") + 1) ?? null }));
const openApp = changed("app", ({ env, listens }) => ({
  env: { ...env, HOST: "0.0.0.0" },
  listens: listens.map((one) => ({ ...one, host: "0.0.0.0" })),
}));
const endlessDrain = changed("sidecar", ({ env }) => ({ env: { ...env, CHIO_SHUTDOWN_DRAIN_MS: String(TOO_LONG_MS) } }));

export const MUTANTS: readonly Mutant[] = [
  {
    platform: "ecs",
    what: "the app does not depend on the sidecar",
    change: withoutDependency,
    codes: ["CHIO-START-ORDER"],
    topic: "start",
    title: "the app is started only after the sidecar is healthy",
  },
  {
    platform: "ecs",
    what: "the app listens to the network",
    change: openApp,
    codes: ["CHIO-APP-BIND"],
    topic: "isolation",
    title: "another container on the network reaches the sidecar's port and no other",
  },
  {
    platform: "cloud-run",
    what: "the app does not depend on the sidecar",
    change: withoutDependency,
    codes: ["CHIO-START-ORDER"],
    topic: "start",
    title: "the app is started only after the sidecar is healthy",
  },
  {
    platform: "cloud-run",
    what: "the sidecar drains longer than the grace",
    change: endlessDrain,
    codes: ["CHIO-DRAIN"],
    topic: "drain",
    title: "behind an app that takes too long",
  },
  {
    platform: "aca",
    what: "the app does not wait at the start gate",
    change: withoutGate,
    codes: ["CHIO-START-GATE"],
    topic: "start",
    title: "holds the app back as long as a slow sidecar takes",
  },
  {
    platform: "aca",
    what: "the app listens to the network",
    change: openApp,
    codes: ["CHIO-APP-BIND"],
    topic: "isolation",
    title: "another container on the network reaches the sidecar's port and no other",
  },
];
