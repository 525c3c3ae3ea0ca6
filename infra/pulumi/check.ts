import * as pulumi from "@pulumi/pulumi";
import {
  assertValid,
  type CheckedTopology,
  defineTopology,
  drainBudget,
  type Finding,
  formatFindings,
  formatPosture,
  type GraphOf,
  type InputIssue,
  type Platform,
  type PlatformTopology,
  type PostureReport,
  posture,
  TopologyInputError,
  type TopologyProps,
  validate,
} from "../topology/index.ts";
import { nearest } from "../topology/nearest.ts";
import type { Deferral } from "./deferral.ts";

/** What is known of a topology once every value is. */
export interface LateCheck {
  readonly posture: PostureReport;
  readonly findings: readonly Finding[];
}

/** With values still to come, an acceptance may be for one of them: only the later check can miss it. */
export function checkNow<P extends Platform>(platform: P, props: TopologyProps, pending: boolean): CheckedTopology<P> {
  const topology = defineTopology(props);
  if (!pending || props.accept === undefined) return assertValid(topology, platform);
  const found = new Set(validate(topology, platform).map((one) => one.code));
  return assertValid(defineTopology({ ...props, accept: props.accept.filter((one) => found.has(one.code)) }), platform);
}

/** The same with the real values, during the update. Null when there is nothing left to check. */
export function checkLater<P extends Platform, Plain>(
  platform: P,
  deferral: Deferral,
  plain: Plain,
  props: (real: Plain) => TopologyProps,
  issues: (real: Plain, graph: GraphOf<P>) => readonly InputIssue[],
): pulumi.Output<LateCheck> | null {
  if (!deferral.pending) return null;
  return deferral.checkLater(plain, (real): LateCheck => {
    const { topology, findings } = assertValid(defineTopology(props(real)), platform);
    const wrong = issues(real, topology);
    if (wrong.length > 0) throw new TopologyInputError(wrong);
    return { posture: posture(topology, platform), findings };
  });
}

/** Prints posture, drain and warnings, and gives the posture as an output. What was accepted of a late value lowers it as well. */
export function report(
  component: pulumi.ComponentResource,
  graph: PlatformTopology,
  findings: readonly Finding[],
  late: pulumi.Output<LateCheck> | null,
): pulumi.Output<PostureReport> {
  const { platform } = graph;
  const now = posture(graph, platform);
  void pulumi.log.info(`${formatPosture(readable(now))}\n${drainBudget(graph, platform).text}`, component);
  warn(component, findings, []);
  late?.apply((known) => warn(component, known.findings, findings));
  return late === null ? pulumi.output(now) : late.apply((known) => known.posture as PostureReport);
}

/** What was said already is not said twice. */
function warn(component: pulumi.ComponentResource, findings: readonly Finding[], said: readonly Finding[]): void {
  const before = new Set(said.map((one) => `${one.code} ${one.path}`));
  const news = findings.filter((one) => !before.has(`${one.code} ${one.path}`));
  if (news.length > 0) void pulumi.log.warn(formatFindings(news), component);
}

/** Names that TypeScript would have refused, and what is required and missing. `known`: every argument there is. */
export function argumentNames<Args extends object>(
  className: string,
  args: Args,
  known: Readonly<Record<keyof Args, 1>>,
  required: readonly (keyof Args & string)[],
): InputIssue[] {
  if (args === null || typeof args !== "object") return [{ path: "", message: `the arguments are missing: new ${className}(name, { … })` }];
  const names = Object.keys(known);
  const unknown = Object.keys(args)
    .filter((key) => !Object.hasOwn(known, key))
    .map((key) => {
      const close = nearest(key, names);
      return {
        path: key,
        message: `unknown property; ${close === null ? `known are ${names.join(", ")}` : `did you mean ${JSON.stringify(close)}?`}`,
      };
    });
  const missing = required
    .filter((key) => args[key] === undefined || args[key] === null)
    .map((key) => ({ path: key, message: "is required" }));
  return [...unknown, ...missing];
}

/** For people: a value that is not known yet is named by its argument. */
function readable<T>(value: T): T {
  return JSON.parse(JSON.stringify(value).replace(/\$\{deferred:([^}]*)\}/g, "<$1>")) as T;
}
