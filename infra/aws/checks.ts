import type { IConstruct } from "constructs";
import { type Acceptance, formatFindings, formatPosture, type PostureReport, posture, review } from "../topology/index.ts";
import { cdk } from "./cdk.ts";
import { type EcsGraph, LATE_CODES } from "./model.ts";
import { collectPolicies, type PolicyIndex } from "./role-statements.ts";
import { collectIngress, type IngressIndex } from "./security-group.ts";

/** What one walk over an app finds. */
export interface TreeIndex {
  readonly policies: PolicyIndex;
  readonly ingress: IngressIndex;
}

/** A deployment that synthesis looks at once more, when everybody has added what they add. */
export interface LateCheck {
  readonly scope: IConstruct;
  /** The graph as it stands, with what was found in the construct tree. */
  readonly graph: (index: TreeIndex) => EcsGraph;
  readonly acceptances: readonly Acceptance[];
  /** Whether all rules are applied, or only those that props alone could not answer. */
  readonly rules: "all" | "late";
}

/** What the last synthesis saw. */
const WALKED = new WeakMap<IConstruct, TreeIndex>();
const CHECKS = new WeakMap<IConstruct, LateCheck[]>();

/** One walk over the app for all of its deployments: with a walk for each, fifty services would cost fifty times fifty. */
export function checkAtSynth(check: LateCheck): void {
  const root = rootOf(check.scope);
  const known = CHECKS.get(root);
  if (known !== undefined) {
    known.push(check);
    return;
  }
  const checks = [check];
  CHECKS.set(root, checks);
  root.node.addValidation({
    validate: () => {
      const index = walk(root);
      WALKED.set(root, index);
      return checks.flatMap((one) => problems(one, index));
    },
  });
}

function walk(root: IConstruct): TreeIndex {
  const constructs = root.node.findAll();
  return { policies: collectPolicies(constructs), ingress: collectIngress(constructs) };
}

function problems(check: LateCheck, index: TreeIndex): string[] {
  const graph = check.graph(index);
  const { findings } = review(graph, "ecs", check.acceptances);
  const errors = findings.filter(({ severity, code, path }) => {
    if (severity !== "error") return false;
    return check.rules === "all" || LATE_CODES.includes(code) || path.startsWith("acceptances[");
  });
  if (errors.length === 0) print(check.scope, posture(graph, "ecs", check.acceptances));
  return errors.length === 0 ? [] : [`${check.scope.node.path}:\n${formatFindings(errors)}`];
}

const PRINTED = new WeakSet<IConstruct>();

function print(scope: IConstruct, report: PostureReport): void {
  if (PRINTED.has(scope)) return;
  PRINTED.add(scope);
  cdk.Annotations.of(scope).addInfo(formatPosture(report));
}

/** The posture as it stands now. */
export function currentPosture(check: LateCheck): PostureReport {
  return posture(check.graph(walk(rootOf(check.scope))), "ecs", check.acceptances);
}

/** The posture as synthesis saw it, for text that is written while it runs. */
export function synthesizedPosture(check: LateCheck): PostureReport {
  const root = rootOf(check.scope);
  return posture(check.graph(WALKED.get(root) ?? walk(root)), "ecs", check.acceptances);
}

function rootOf(scope: IConstruct): IConstruct {
  return cdk.Stage.of(scope) ?? scope.node.root;
}

/** One line for a stack's outputs. */
export function postureLine({ entries, accepted }: PostureReport): string {
  const levels = entries.map(({ invariant, level }) => `${invariant}=${level}`).join(" ");
  return accepted.length === 0 ? levels : `${levels} accepted=${[...new Set(accepted.map((one) => one.code))].join(",")}`;
}
