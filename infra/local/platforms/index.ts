import type { PlatformTopology } from "../../topology/index.ts";
import type { RequestTimeout } from "../ingress/forward.ts";
import { AcaReplica } from "./aca.ts";
import { CloudRunInstance } from "./cloud-run.ts";
import { EcsTask } from "./ecs.ts";
import type { Lifecycle, ReplicaHost } from "./lifecycle.ts";

/** The rules by which this replica lives. */
export function lifecycleOf(host: ReplicaHost): Lifecycle {
  const { graph } = host;
  switch (graph.platform) {
    case "ecs": {
      const { loadBalancer, deregistrationDelaySeconds, healthCheckGracePeriodSeconds } = graph.settings;
      const { path, intervalSeconds, timeoutSeconds, healthyThreshold, unhealthyThreshold } = loadBalancer.healthCheck;
      const check = { path, intervalSeconds, timeoutSeconds };
      const target = { check, healthyThreshold, unhealthyThreshold, deregistrationDelaySeconds };
      return new EcsTask(host, { target, graceSeconds: healthCheckGracePeriodSeconds });
    }
    case "local":
      return new EcsTask(host, { target: null, graceSeconds: null });
    case "cloud-run":
      return new CloudRunInstance(host);
    case "aca":
      return new AcaReplica(host);
  }
}

/** Cloud Run and Azure cut a request by its whole time, a load balancer on AWS one that is silent for so long. */
export function requestTimeoutOf({ platform, ingress }: PlatformTopology): RequestTimeout {
  return { ms: ingress.requestTimeoutSeconds * 1000, kind: platform === "ecs" || platform === "local" ? "idle" : "total" };
}

/** A replica that was never ready is waited for so long: the slowest start that its probes allow, twice where the platform tries twice. */
export function readyTimeoutMs(graph: PlatformTopology): number {
  const windows = graph.containers.map(({ probes, healthCheck, startTimeoutSeconds }) => {
    const { startup } = probes;
    if (startup !== null) return startup.initialDelaySeconds + startup.periodSeconds * startup.failureThreshold;
    if (healthCheck === null) return 0;
    return Math.max(startTimeoutSeconds ?? 0, healthCheck.startPeriodSeconds + healthCheck.intervalSeconds * healthCheck.retries);
  });
  const longest = graph.platform === "aca" ? Math.max(...windows) * 2 : windows.reduce((sum, one) => sum + one, 0);
  return (longest + MARGIN_SECONDS) * 1000;
}

/** For what no probe bounds: containers that start, init containers, a target's first check. */
const MARGIN_SECONDS = 60;
