import type { cloudrunv2 } from "@pulumi/gcp/types/input.js";
import * as pulumi from "@pulumi/pulumi";
import { shareIssues } from "../pulumi/shares.ts";
import type { InputIssue } from "../topology/index.ts";
import type { TrafficTarget } from "./args.ts";

const LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST";
const REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION";

/** Without a word about traffic, all of it goes to the latest ready revision. */
export function trafficTargets(traffic: readonly TrafficTarget[] | undefined): cloudrunv2.ServiceTraffic[] {
  return (traffic ?? [{ percent: 100 }]).map(({ revision, percent, tag }) => ({
    type: revision === undefined ? LATEST : REVISION,
    percent,
    ...(revision === undefined ? {} : { revision }),
    ...(tag === undefined ? {} : { tag }),
  }));
}

export function trafficIssues(traffic: readonly TrafficTarget[] | undefined): InputIssue[] {
  return shareIssues(
    (traffic ?? [{ percent: 100 }]).map(({ percent, revision, tag }) => ({ percent, revision, tag })),
    { platform: "Cloud Run", percent: "percent", tag: "tag" },
  );
}

/** Full name of the revision that is being made. */
export function revisionName(service: pulumi.Input<string>, suffix: pulumi.Input<string> | undefined): pulumi.Output<string> | undefined {
  return suffix === undefined ? undefined : pulumi.interpolate`${service}-${suffix}`;
}
