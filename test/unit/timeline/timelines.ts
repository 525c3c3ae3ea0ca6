import type { Timeline, TimelineEvent } from "../../../infra/local/timeline/types.ts";

type Rest = Partial<Pick<TimelineEvent, "probe" | "signal" | "exitCode" | "receipts" | "detail">>;

/** Writes a timeline by hand. Events may be told out of order. */
export function written(topology: string, platform: Timeline["platform"], tell: (at: Teller) => void): Timeline {
  const events: TimelineEvent[] = [];
  tell((at, where, kind, rest = {}) => {
    const [replica = null, container = null] = where.split("/") as (string | null)[];
    events.push({ at, kind, replica: replica === "" ? null : replica, container, ...rest });
  });
  return { topology, platform, startedAt: "2026-05-04T09:30:00.000Z", events: events.toSorted((a, b) => a.at - b.at) };
}
type Teller = (at: number, where: string, kind: TimelineEvent["kind"], rest?: Rest) => void;

/** ECS: start in order, a quiet minute, and a stop in which nothing is lost. */
export const SMOOTH = written("tickets", "ecs", (at) => {
  at(12, "r1/chio-sidecar", "created");
  at(190, "r1/chio-sidecar", "started");
  for (const ms of [260, 410]) at(ms, "r1/chio-sidecar", "probe-failed", { probe: "health-check", detail: "connection refused" });
  at(560, "r1/chio-sidecar", "probe-passed", { probe: "health-check" });
  at(562, "r1/chio-sidecar", "healthy");
  at(570, "r1/app", "created");
  at(820, "r1/app", "started");
  at(1300, "r1", "ready");
  at(1304, "r1", "traffic-on");
  for (let ms = 10_560; ms < 62_000; ms += 10_000) at(ms, "r1/chio-sidecar", "probe-passed", { probe: "health-check" });
  at(62_000, "r1", "traffic-off", { detail: "stop" });
  at(63_000, "r1/app", "signal", { signal: "SIGTERM" });
  at(63_240, "r1/app", "exited", { exitCode: 0 });
  at(63_250, "r1/chio-sidecar", "signal", { signal: "SIGTERM" });
  at(64_010, "r1/chio-sidecar", "drained", { receipts: 337 });
  at(64_060, "r1/chio-sidecar", "exited", { exitCode: 0 });
  at(64_200, "r1/app", "removed");
  at(64_210, "r1/chio-sidecar", "removed");
});

/** ECS: the sidecar has no key, so it ends before it listens, and the app never starts. */
export const FAIL_CLOSED = written("tickets", "ecs", (at) => {
  for (const [index, replica] of ["r1", "r2"].entries()) {
    const from = index * 2600;
    at(from + 10, `${replica}/chio-sidecar`, "created");
    at(from + 200, `${replica}/chio-sidecar`, "started");
    at(from + 240, `${replica}/chio-sidecar`, "log", { detail: "error: CHIO_SIGNING_KEY is not set (signing_key_missing)" });
    at(from + 262, `${replica}/chio-sidecar`, "exited", {
      exitCode: 1,
      detail: "error: CHIO_SIGNING_KEY is not set (signing_key_missing)",
    });
    at(from + 270, replica, "failed", {
      detail: "essential container chio-sidecar exited with 1 before it was healthy; app was never started",
    });
  }
});

/** Cloud Run: a hung app is restarted by its liveness probe, then a rollout moves traffic to a new replica; one app has to be killed. */
export const ROLLOUT = written("agent-tool-server", "cloud-run", (at) => {
  const start = (replica: string, from: number) => {
    at(from, `${replica}/chio-sidecar`, "created");
    at(from + 180, `${replica}/chio-sidecar`, "started");
    at(from + 400, `${replica}/chio-sidecar`, "probe-failed", { probe: "startup", detail: "HTTP 503" });
    at(from + 900, `${replica}/chio-sidecar`, "probe-passed", { probe: "startup" });
    at(from + 901, `${replica}/chio-sidecar`, "healthy");
    at(from + 910, `${replica}/app`, "created");
    at(from + 1100, `${replica}/app`, "started");
    at(from + 1900, `${replica}/app`, "probe-passed", { probe: "startup" });
    at(from + 1901, `${replica}/app`, "healthy");
    at(from + 1910, replica, "ready");
    at(from + 1930, replica, "traffic-on");
  };
  start("r1", 5);
  for (let ms = 2500; ms < 12_000; ms += 1000) at(ms, "r1/chio-sidecar", "probe-passed", { probe: "liveness" });
  for (const ms of [3000, 4000, 5000]) at(ms, "r1/app", "probe-failed", { probe: "liveness", detail: "no answer within 1 s" });
  at(5001, "r1/app", "unhealthy", { detail: "liveness probe failed 3 times in a row" });
  at(5010, "r1/app", "signal", { signal: "SIGKILL" });
  at(5040, "r1/app", "exited", { exitCode: 137 });
  at(5300, "r1/app", "restarted");
  at(6200, "r1/app", "probe-passed", { probe: "startup" });
  at(6201, "r1/app", "healthy");
  start("r2", 9000);
  at(10_950, "r1", "traffic-off", { detail: "rollout" });
  for (const name of ["r1/chio-sidecar", "r1/app"]) at(10_960, name, "signal", { signal: "SIGTERM" });
  at(11_900, "r1/chio-sidecar", "drained", { receipts: 52 });
  at(11_940, "r1/chio-sidecar", "exited", { exitCode: 0 });
  at(20_960, "r1/app", "signal", { signal: "SIGKILL" });
  at(20_990, "r1/app", "exited", { exitCode: 137, detail: "killed: still running 10 s after SIGTERM" });
  at(24_000, "r2", "traffic-off", { detail: "stop" });
  for (const name of ["r2/chio-sidecar", "r2/app"]) at(24_010, name, "signal", { signal: "SIGTERM" });
  at(24_200, "r2/app", "exited", { exitCode: 0 });
  at(24_300, "r2/chio-sidecar", "drained", { receipts: 8 });
  at(24_340, "r2/chio-sidecar", "exited", { exitCode: 0 });
});

const LONG = "a-container-with-a-name-as-long-as-a-dns-label-may-be-at-most-x";
/** Azure: everything at the same moment, four times over, with long names. */
export const CROWD = written("a-topology-with-a-name-of-forty-nine-letters-it-has", "aca", (at) => {
  for (const replica of ["r1", "r2", "r3", "r4"]) {
    for (const [index, name] of ["chio-gate", "chio-sidecar", "app", LONG, "collector"].entries()) {
      const where = `${replica}/${name}`;
      at(index * 7, where, "created");
      at(120 + index * 5, where, "started");
      for (let ms = 130; ms < 3000; ms += 90)
        at(ms + index, where, ms < 900 ? "probe-failed" : "probe-passed", { probe: "startup", detail: "connection refused" });
      at(1000 + index, where, "healthy");
      for (const signal of ["SIGTERM", "SIGUSR1", "SIGKILL"]) at(3000, where, "signal", { signal });
      at(3001, where, "drained", { receipts: 1000 });
      at(3002, where, "exited", { exitCode: index });
      at(3002, where, "log", {
        detail: "a line of output that is so long that nobody would ever read the whole of it in a picture ".repeat(8),
      });
    }
    at(1100, replica, "ready");
    at(1101, replica, "traffic-on");
    at(2990, replica, "traffic-off");
    at(3003, replica, "failed", { detail: "given up" });
  }
});

export const EMPTY: Timeline = { topology: "nothing", platform: "local", startedAt: "2026-05-04T09:30:00.000Z", events: [] };
export const ALL = { SMOOTH, FAIL_CLOSED, ROLLOUT, CROWD, EMPTY } as const;
