import type { Timeline } from "../../local/index.ts";
import type { PlatformTopology } from "../../topology/index.ts";

/** One sentence for each sidecar that did not end as it should: drained, with exit code 0. Empty when nothing was lost. */
export function whatWasLost({ containers }: PlatformTopology, { events }: Timeline): string[] {
  const sidecars = new Set(containers.filter((one) => one.role === "sidecar").map((one) => one.name));
  const replicas = [...new Set(events.flatMap((event) => (event.replica === null ? [] : [event.replica])))];
  return replicas.flatMap((replica) =>
    [...sidecars].flatMap((name) => {
      const own = events.filter((event) => event.replica === replica && event.container === name);
      const begun = own.findLastIndex((event) => event.kind === "started" || event.kind === "restarted");
      if (begun < 0) return [];
      const last = own.slice(begun);
      const exit = last.find((event) => event.kind === "exited");
      if (exit === undefined) return [`${replica}/${name} has not ended`];
      if (exit.exitCode !== 0)
        return [`${replica}/${name} ended with ${exit.exitCode ?? "no exit code"}${exit.detail === undefined ? "" : `: ${exit.detail}`}`];
      return last.some((event) => event.kind === "drained") ? [] : [`${replica}/${name} ended without saying that it had drained`];
    }),
  );
}
