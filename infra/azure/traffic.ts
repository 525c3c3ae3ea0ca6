import type { app } from "@pulumi/azure-native/types/input.js";
import { shareIssues } from "../pulumi/shares.ts";
import type { InputIssue } from "../topology/index.ts";
import type { TrafficWeight } from "./args.ts";

/** With a single active revision Azure moves the traffic itself and takes no weights. */
export function trafficWeights(
  mode: "Single" | "Multiple",
  traffic: readonly TrafficWeight[] | undefined,
): app.TrafficWeightArgs[] | undefined {
  if (mode === "Single") return undefined;
  return (traffic ?? [{ weight: 100 }]).map(({ revision, weight, label }) => ({
    ...(revision === undefined ? { latestRevision: true } : { revisionName: revision }),
    weight,
    ...(label === undefined ? {} : { label }),
  }));
}

/** What is wrong with the weights, as far as they are known. */
export function trafficIssues(mode: "Single" | "Multiple", traffic: readonly TrafficWeight[] | undefined): InputIssue[] {
  if (traffic === undefined) return [];
  const shares = traffic.map(({ weight, revision, label }) => ({ percent: weight, revision, tag: label }));
  return [
    ...(mode === "Single"
      ? [{ path: "traffic", message: "needs revisionsMode Multiple: with Single, Azure moves the traffic itself" }]
      : []),
    ...shareIssues(shares, { platform: "Azure", percent: "weight", tag: "label" }),
  ];
}
