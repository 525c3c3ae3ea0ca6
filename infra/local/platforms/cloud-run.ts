import type { Container, Probes, TopologyFor } from "../../topology/index.ts";
import { slept, within } from "../clock.ts";
import type { ReplicaContainer } from "../engine/replica-container.ts";
import { Changes } from "./changes.ts";
import type { Lifecycle, ReplicaHost, StopReason } from "./lifecycle.ts";
import { ProbedContainer } from "./probed-container.ts";

/** How long the startup boost lasts after the container has started up. */
const BOOST_MS = 10_000;

/**
 * An instance on Cloud Run: a container starts when those that it depends on have passed their startup probes. One that does not come up ends the
 * instance; one that fails its liveness probe is killed and started again. At the stop all get SIGTERM at once, and SIGKILL 10 s later.
 */
export class CloudRunInstance implements Lifecycle {
  readonly #host: ReplicaHost;
  readonly #graph: TopologyFor<"cloud-run">;
  readonly #containers: ProbedContainer[];
  readonly #changes = new Changes();
  #wasReady = false;

  constructor(host: ReplicaHost) {
    this.#host = host;
    this.#graph = host.graph as TopologyFor<"cloud-run">;
    const end = (container: ReplicaContainer) => container.signal("SIGKILL");
    this.#containers = host.containers.map(
      (one) => new ProbedContainer(one, host, { beforeStarted: "give-up", end }, probesOf(this.#graph, one.model), () => this.#look()),
    );
  }

  async start(): Promise<void> {
    for (const container of this.#containers) this.#host.background(this.#run(container));
  }

  async stop(reason: StopReason): Promise<void> {
    this.#host.closeTraffic();
    // Instances that a new revision has replaced are ended when they are idle; a service that is deleted does not wait for that.
    if (reason === "rollout") await within(this.#host.clock, this.#graph.ingress.requestTimeoutSeconds * 1000, this.#host.idle());
    await Promise.all(this.#host.containers.map((one) => one.stop(one.model.graceSeconds * 1000)));
  }

  async #run(container: ProbedContainer): Promise<void> {
    const { stopping } = this.#host;
    const needs = this.#graph.startOrder.filter((edge) => edge.container === container.container.name).map((edge) => edge.dependsOn);
    const met = () => needs.every((name) => this.#containers.find((one) => one.container.name === name)?.started);
    if (!(await this.#changes.until(met, stopping))) return;
    const { plan } = container.container;
    // Where CPU comes and goes with the requests, their rule decides.
    if (plan.startCpuMilli !== plan.cpuMilli && !plan.model.cpuIdle) {
      this.#host.background(this.#endBoost(container));
    }
    await container.run();
  }

  async #endBoost(container: ProbedContainer): Promise<void> {
    const { stopping, clock } = this.#host;
    if (!(await this.#changes.until(() => container.started, stopping))) return;
    if (await slept(clock, BOOST_MS, stopping)) await container.container.limitCpu(container.container.plan.cpuMilli);
  }

  #look(): void {
    this.#changes.tell();
    const ingress = this.#containers.find((one) => one.container.name === this.#graph.ingress.container);
    const missing = this.#containers.filter((one) => !one.started).map((one) => one.container.name);
    // Only the container behind the ingress can be unready; the others must have come up once.
    const ready = (this.#wasReady || missing.length === 0) && ingress?.ready === true;
    this.#wasReady ||= ready;
    if (this.#wasReady) this.#host.setReady(ready, ready ? undefined : `${this.#graph.ingress.container} is not ready`);
  }
}

/** Without a startup probe the container behind the ingress gets the platform's own: its port has to open within 240 s. */
function probesOf({ ingress }: TopologyFor<"cloud-run">, { name, probes }: Container): Probes {
  if (name !== ingress.container || probes.startup !== null) return probes;
  const action = { kind: "tcp", port: ingress.port } as const;
  return {
    ...probes,
    startup: { action, initialDelaySeconds: 0, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 240, successThreshold: 1 },
  };
}
