import { exposition, type Family } from "./exposition.ts";

/** What became of a request. `refused`: turned away before any decision (unreadable, over a limit, draining); `control`: our own routes. */
export type RequestOutcome = "allow" | "deny" | "refused" | "error" | "control";
/** Why the upstream gave no usable answer. */
export type UpstreamErrorKind = "connect" | "timeout" | "aborted" | "protocol";

/** Values that others own. Read when somebody asks for the metrics, never on the path of a request. */
export interface MetricSources {
  queueDepth: () => number;
  receiptsStored: () => number;
  openDecisions: () => number;
  ledgerWritable: () => boolean;
  draining: () => boolean;
}

export interface Metrics {
  /** A request came in. Each call is matched by one `requestFinished`. */
  requestStarted(): void;
  /** Its answer is complete, or its client is gone. `seconds`: from the parsed request to the end of the answer. */
  requestFinished(outcome: RequestOutcome, status: number, seconds: number): void;
  upstreamError(kind: UpstreamErrorKind): void;
  guardDenied(guard: string): void;
  /** One group of receipts reached the disk in `seconds`. */
  receiptsCommitted(count: number, seconds: number): void;
  /** Stays at 0 by design; anything else is a bug worth an alert. */
  receiptsDropped(count: number): void;
  /** `at`: unix seconds. */
  policyLoaded(at: number): void;
  policyReloadFailed(): void;
  connect(sources: MetricSources): void;
  inflight(): number;
  readonly contentType: string;
  /** Prometheus text, version 0.0.4. */
  render(): string;
}

/** Upper bounds in seconds: 50 us to 1 s, where a sidecar's latency lies. */
export const DURATION_BUCKETS = [5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1] as const;

/** Guards that policies can name are few; past this many the rest is counted as `other`, so that no label can grow without bound. */
const MAX_GUARD_LABELS = 64;

class Histogram {
  /** One more than the buckets: the last is +Inf. Not cumulative until it is read. */
  readonly counts = new Float64Array(DURATION_BUCKETS.length + 1);
  sum = 0;

  observe(seconds: number): void {
    let at = 0;
    while (at < DURATION_BUCKETS.length && seconds > DURATION_BUCKETS[at]!) at++;
    this.counts[at]! += 1;
    this.sum += seconds;
  }
}

/**
 * Counters are plain numbers, since they are on the path of every request (0.1 us for both calls). The text is written here too: prom-client
 * costs 15 MB of resident memory and 15 ms of start time in the compiled program, a quarter of what the idle sidecar may use.
 * A test holds our text against prom-client's.
 */
export function createMetrics(version: string): Metrics {
  const requests = new Map<RequestOutcome, Map<number, number>>();
  const upstreamErrors = new Map<UpstreamErrorKind, number>();
  const guardDenials = new Map<string, number>();
  const durations = new Histogram();
  const commits = new Histogram();
  let sources: MetricSources | null = null;
  let inflight = 0;
  let committed = 0;
  let dropped = 0;
  let policyLoadedAt = 0;
  let reloadFailures = 0;

  const families = (): Family[] => {
    const value = (read: (from: MetricSources) => number) => (sources === null ? 0 : read(sources));
    return [
      { name: "chio_build_info", type: "gauge", help: "Always 1; the version is in the label.", samples: [[{ version }, 1]] },
      {
        name: "chio_requests_total",
        type: "counter",
        help: "Requests by what was decided and by the status of the answer.",
        samples: [...requests].flatMap(([decision, codes]) =>
          [...codes].map(([code, count]): [Record<string, string>, number] => [{ decision, code: String(code) }, count]),
        ),
      },
      histogram("chio_request_duration_seconds", "Time from the parsed request to the end of its answer, upstream included.", durations),
      gauge("chio_inflight_requests", "Requests that have no complete answer.", inflight),
      counters("chio_upstream_errors_total", "Upstream failures by kind.", "kind", upstreamErrors),
      counters("chio_guard_denials_total", "Denials by the guard that denied.", "guard", guardDenials),
      gauge(
        "chio_receipt_queue_depth",
        "Receipts that wait for their commit.",
        value((from) => from.queueDepth()),
      ),
      counter("chio_receipts_committed_total", "Receipts made durable since start.", committed),
      counter("chio_receipts_dropped_total", "Receipts lost. Stays 0 by design.", dropped),
      histogram("chio_receipt_fsync_seconds", "Time of one group commit, fsync included.", commits),
      gauge(
        "chio_receipts_stored",
        "Receipts in the store.",
        value((from) => from.receiptsStored()),
      ),
      gauge(
        "chio_open_decisions",
        "Decisions written ahead that have no final receipt.",
        value((from) => from.openDecisions()),
      ),
      gauge(
        "chio_ledger_writable",
        "1 while the ledger takes receipts.",
        value((from) => Number(from.ledgerWritable())),
      ),
      gauge("chio_policy_loaded_timestamp_seconds", "When the policy in force was loaded, unix seconds.", policyLoadedAt),
      counter("chio_policy_reload_failures_total", "Policies that were refused at reload; the old one stayed.", reloadFailures),
      gauge(
        "chio_draining",
        "1 from SIGTERM on.",
        value((from) => Number(from.draining())),
      ),
      gauge("process_resident_memory_bytes", "Resident memory.", process.memoryUsage.rss()),
    ];
  };

  return {
    requestStarted() {
      inflight++;
    },
    requestFinished(outcome, status, seconds) {
      inflight--;
      let codes = requests.get(outcome);
      if (codes === undefined) {
        codes = new Map();
        requests.set(outcome, codes);
      }
      codes.set(status, (codes.get(status) ?? 0) + 1);
      durations.observe(seconds);
    },
    upstreamError(kind) {
      bump(upstreamErrors, kind);
    },
    guardDenied(guard) {
      bump(guardDenials, guardDenials.has(guard) || guardDenials.size < MAX_GUARD_LABELS ? guard : "other");
    },
    receiptsCommitted(count, seconds) {
      committed += count;
      commits.observe(seconds);
    },
    receiptsDropped(count) {
      dropped += count;
    },
    policyLoaded(at) {
      policyLoadedAt = at;
    },
    policyReloadFailed() {
      reloadFailures++;
    },
    connect(from) {
      sources = from;
    },
    inflight: () => inflight,
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    render: () => exposition(families()),
  };
}

function bump<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function gauge(name: string, help: string, value: number): Family {
  return { name, type: "gauge", help, samples: [[{}, value]] };
}

function counter(name: string, help: string, value: number): Family {
  return { name, type: "counter", help, samples: [[{}, value]] };
}

function counters(name: string, help: string, label: string, counts: ReadonlyMap<string, number>): Family {
  return { name, type: "counter", help, samples: [...counts].map(([key, count]) => [{ [label]: key }, count]) };
}

function histogram(name: string, help: string, from: Histogram): Family {
  return { name, type: "histogram", help, buckets: DURATION_BUCKETS, counts: from.counts, sum: from.sum };
}
