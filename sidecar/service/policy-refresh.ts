import type { CompiledPolicy } from "../policy/types.ts";
import { describeProblem } from "./errors.ts";
import type { Metrics } from "./metrics.ts";
import { problemsOf } from "./start-gate.ts";
import type { Logger } from "./types.ts";

export interface PolicyRefreshOptions {
  intervalMs: number;
  /** Reads and compiles the source anew. */
  load: () => CompiledPolicy;
  /** Puts a policy in force, all at once. Throwing leaves the old one. */
  apply: (policy: CompiledPolicy) => void;
  /** The one in force. */
  current: CompiledPolicy;
  metrics: Metrics;
  logger: Logger;
  /** Unix milliseconds. */
  now: () => number;
}

export interface PolicyRefresh {
  /** Looks now. True when another policy came into force. */
  check(): boolean;
  /** Why the source's policy is not in force; null while it is. The sidecar stays ready with its old one. */
  problem(): string | null;
  stop(): void;
}

/** Looks at the policy source every `intervalMs`, 10 % more or less so that replicas do not look all at once. A bad policy never replaces a good one. */
export function refreshPolicy(options: PolicyRefreshOptions): PolicyRefresh {
  const { load, apply, metrics, logger } = options;
  let hash = options.current.sourceHash;
  let problem: string | null = null;

  const check = (): boolean => {
    try {
      const policy = load();
      if (policy.sourceHash === hash) {
        if (problem !== null) logger.info("the policy source is sound again; the policy in force is unchanged");
        problem = null;
        return false;
      }
      apply(policy);
      hash = policy.sourceHash;
      problem = null;
      metrics.policyLoaded(Math.floor(options.now() / 1000));
      logger.info("policy replaced", { policy: policy.name, policy_source_hash: policy.sourceHash });
      return true;
    } catch (error) {
      metrics.policyReloadFailed();
      // Even a defect of ours must not put a bad policy in force, nor end a sidecar that has a good one.
      const lines = problemsOf(error).map(describeProblem);
      const text = `not replaced, the old one stays in force: ${lines.join("; ")}`;
      // Once for each different failure: the source is looked at every few seconds.
      if (text !== problem) logger.error(`policy ${text}`);
      problem = text;
      return false;
    }
  };

  let timer: NodeJS.Timeout;
  const schedule = () => {
    const look = () => {
      check();
      schedule();
    };
    timer = setTimeout(look, options.intervalMs * (0.9 + Math.random() * 0.2));
    timer.unref();
  };
  schedule();
  return { check, problem: () => problem, stop: () => clearTimeout(timer) };
}
