import type { DatabaseSync } from "node:sqlite";
import type { MessagePort } from "node:worker_threads";
import { Archive } from "./archive.ts";
import { openExisting } from "./open-existing.ts";

export interface BatchRange {
  checkpointSeq: number;
  startSeq: number;
  endSeq: number;
}

export interface MaintenanceOptions {
  role: "maintenance";
  path: string;
}

export type ToMaintenance = { type: "wal" } | { type: "copy"; batch: BatchRange; file: string; storeId: string } | { type: "stop" };

export type FromMaintenance =
  /** `log`: frames in the write-ahead log when the pass began; it copies those and no later ones. */
  { type: "wal"; log: number } | { type: "copied"; batch: BatchRange; file: string; error: string | null };

/** A second thread with a connection of its own, so that copying the write-ahead log or a batch for the archive keeps no commit waiting. */
export function runMaintenance(port: MessagePort, { path }: MaintenanceOptions): void {
  let db: DatabaseSync | null = null;
  const store = () => {
    db ??= connect(path);
    return db;
  };
  let archive: Archive | null = null;
  port.on("message", (message: ToMaintenance) => {
    switch (message.type) {
      case "wal":
        port.postMessage(copyWal(store) satisfies FromMaintenance);
        return;
      case "copy": {
        let error: string | null = null;
        try {
          if (archive?.path !== message.file || !archive.inPlace()) {
            archive?.close();
            archive = null;
            archive = Archive.open(message.file, message.storeId);
          }
          archive.copy(store(), message.batch);
        } catch (failure) {
          error = failure instanceof Error ? failure.message : String(failure);
        }
        port.postMessage({ type: "copied", batch: message.batch, file: message.file, error } satisfies FromMaintenance);
        return;
      }
      case "stop":
        archive?.close();
        db?.close();
        port.close();
        return;
    }
  });
}

function connect(path: string): DatabaseSync {
  const db = openExisting(path);
  db.exec(
    "PRAGMA busy_timeout = 0; PRAGMA synchronous = FULL; PRAGMA checkpoint_fullfsync = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -1024",
  );
  return db;
}

/** A failure leaves the log as it was: the next pass tries again, and commits report what is wrong with the disk. */
function copyWal(store: () => DatabaseSync): FromMaintenance {
  try {
    const row = store().prepare("PRAGMA wal_checkpoint(PASSIVE)").get() ?? {};
    return { type: "wal", log: Number(row.log) };
  } catch {
    return { type: "wal", log: 0 };
  }
}
