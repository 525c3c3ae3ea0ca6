import { CLOUDS, type Rule } from "./rule.ts";

export const receiptsLost: Rule = {
  code: "CHIO-RECEIPTS-LOST",
  title: "Receipts end with the replica",
  severity: "error",
  why: "The local store is on a volume that lives as long as its replica. Scale-in, a deploy or a crash of the host take the evidence with it.",
  fix: "name a sink that outlives the replica (bigquery, dynamodb, cosmosdb, postgres, s3, gs, https), or stdout where logs are kept",
  platforms: CLOUDS,
  invariants: ["INV-7"],
  traps: [],
  check({ receipts }) {
    if (receipts.sinks.some((sink) => sink.kind !== "sqlite")) {
      const remote = receipts.sinks.some((sink) => sink.kind !== "sqlite" && sink.kind !== "stdout");
      if (receipts.acknowledge === "sink" && !remote)
        return [
          {
            path: "receipts.acknowledge",
            message: "answers wait for a sink's word, and no sink gives one",
            fix: "set acknowledge to ledger, or name a remote sink",
          },
        ];
      return [];
    }
    return [
      { path: "receipts.sinks", message: receipts.sinks.length === 0 ? "no sink is named" : "the only sink is the replica's own store" },
    ];
  },
};
