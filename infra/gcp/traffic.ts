import type { cloudrunv2 } from "@pulumi/gcp/types/input.js";
import * as pulumi from "@pulumi/pulumi";
import { isLater } from "../pulumi/deferral.ts";
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

/** What is wrong with the shares, as far as they are known. */
export function trafficIssues(traffic: readonly TrafficTarget[] | undefined): InputIssue[] {
  if (traffic === undefined) return [];
  const issues: InputIssue[] = [];
  const percents = traffic.map((target) => target.percent);
  for (const [index, percent] of percents.entries()) {
    if (typeof percent === "number" && (!Number.isInteger(percent) || percent < 0 || percent > 100))
      issues.push({ path: `traffic[${index}].percent`, message: `is ${percent}; use a whole number from 0 to 100` });
  }
  const sum = percents.reduce<number>((all, one) => all + (typeof one === "number" ? one : 0), 0);
  if (issues.length === 0 && !percents.some(isLater) && sum !== 100)
    issues.push({ path: "traffic", message: `adds up to ${sum} %; Cloud Run takes 100 % and nothing else` });
  for (const [field, text] of [
    ["revision", "a revision"],
    ["tag", "a tag"],
  ] as const) {
    const named = traffic.map((target) => target[field]).filter((one) => typeof one === "string");
    for (const twice of new Set(named.filter((one, index) => named.indexOf(one) !== index)))
      issues.push({ path: "traffic", message: `names ${twice} twice; ${text} has one share` });
  }
  if (traffic.filter((target) => target.revision === undefined).length > 1)
    issues.push({ path: "traffic", message: "has two shares for the latest revision; give one of them a revision" });
  return issues;
}

/** Full name of the revision that is being made. */
export function revisionName(service: pulumi.Input<string>, suffix: pulumi.Input<string> | undefined): pulumi.Output<string> | undefined {
  return suffix === undefined ? undefined : pulumi.interpolate`${service}-${suffix}`;
}
