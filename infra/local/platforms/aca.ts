import type { Container, Probes, TopologyFor } from "../../topology/index.ts";
import { slept, within } from "../clock.ts";
import type { ReplicaContainer } from "../engine/replica-container.ts";
import { afterCrash, NO_CRASH } from "./back-off.ts";
import type { Lifecycle, ReplicaHost, StopReason } from "./lifecycle.ts";
import { ProbedContainer } from "./probed-container.ts";

/**
 * A replica on Azure Container Apps: init containers one by one to their end, then everything at once. Requests come when every container is ready. A
 * container that ends, or fails its startup or liveness probe, is started again with a growing delay. At the stop all get SIGTERM together.
 */
export class AcaReplica implements Lifecycle {
  readonly #host: ReplicaHost;
  readonly #containers: ProbedContainer[];
  #wasReady = false;

  constructor(host: ReplicaHost) {
    this.#host = host;
    const end = (container: ReplicaContainer) => container.stop(container.model.graceSeconds * 1000);
    this.#containers = host.containers
      .filter((one) => one.model.role !== "init")
      .map(
        (one) =>
          new ProbedContainer(one, host, { beforeStarted: "restart", end }, probesOf(host.graph as TopologyFor<"aca">, one.model), () =>
            this.#look(),
          ),
      );
  }

  async start(): Promise<void> {
    for (const container of this.#host.containers) {
      if (container.model.role === "init" && !(await this.#complete(container))) return;
    }
    for (const container of this.#containers) this.#host.background(container.run());
  }

  async stop(reason: StopReason): Promise<void> {
    // Scaling in takes the address out of the ingress and sends SIGTERM in one moment, as Kubernetes does.
    this.#host.closeTraffic();
    // A revision is deactivated only after the ingress has moved its traffic: what it had begun is over by then.
    if (reason === "rollout") await within(this.#host.clock, this.#host.graph.ingress.requestTimeoutSeconds * 1000, this.#host.idle());
    await Promise.all(this.#host.containers.map((one) => one.stop(one.model.graceSeconds * 1000)));
  }

  /** Runs an init container to its end, again when it fails. Resolves with false when the replica is not to go on. */
  async #complete(container: ReplicaContainer): Promise<boolean> {
    const { stopping, clock, giveUp } = this.#host;
    for (let backOff = NO_CRASH; !stopping.aborted; ) {
      await container.start();
      const exit = await container.exited;
      if (stopping.aborted || exit === null) return false;
      if (exit.code === 0) return true;
      backOff = afterCrash(backOff, exit.ranMs);
      if (backOff.crashes > 1) {
        giveUp(`init container ${container.name} ended with ${exit.code}, the second time`, "at-once");
        return false;
      }
      if (!(await slept(clock, backOff.delayMs, stopping))) return false;
    }
    return false;
  }

  #look(): void {
    const waiting = this.#containers.filter((one) => !one.ready).map((one) => one.container.name);
    if (waiting.length === 0) this.#wasReady = true;
    if (this.#wasReady) this.#host.setReady(waiting.length === 0, waiting.length === 0 ? undefined : `not ready: ${waiting.join(", ")}`);
  }
}

/** Without any probe, the container behind the ingress gets the platform's own: TCP on the target port. */
function probesOf({ ingress }: TopologyFor<"aca">, { name, probes }: Container): Probes {
  if (name !== ingress.container || probes.startup !== null || probes.liveness !== null || probes.readiness !== null) return probes;
  const action = { kind: "tcp", port: ingress.port } as const;
  return {
    startup: { action, initialDelaySeconds: 1, periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 240, successThreshold: 1 },
    liveness: null,
    readiness: { action, initialDelaySeconds: 3, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 48, successThreshold: 1 },
  };
}
