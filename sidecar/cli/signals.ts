import type { Logger } from "../service/types.ts";

export interface ProcessEvents {
  /** SIGTERM or SIGINT, the first time. */
  onStop(signal: NodeJS.Signals): void;
  /** The second time: at once. */
  onForce(signal: NodeJS.Signals): void;
  /** An error that nobody handled. The process is in a state that nobody planned and must not decide anything further. */
  onBroken(error: unknown): void;
}

/** Routes signals and unhandled errors of this process. Returns what takes the handlers off again. */
export function watchProcess(events: ProcessEvents, log: () => Logger): () => void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return events.onForce(signal);
    stopping = true;
    events.onStop(signal);
  };
  const ignore = (signal: NodeJS.Signals) =>
    log().warn(`${signal} ignored: there is no live reload by signal; start anew, or set CHIO_POLICY_REFRESH`);
  const broken = (error: unknown) => events.onBroken(error);
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", ignore);
  process.on("uncaughtException", broken);
  process.on("unhandledRejection", broken);
  return () => {
    process.off("SIGTERM", stop);
    process.off("SIGINT", stop);
    process.off("SIGHUP", ignore);
    process.off("uncaughtException", broken);
    process.off("unhandledRejection", broken);
  };
}
