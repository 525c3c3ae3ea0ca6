import type { Stack } from "aws-cdk-lib";
import type { ISecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { IConstruct } from "constructs";
import type { SecurityGroupRule } from "../topology/index.ts";
import { cdk, ec2 } from "./cdk.ts";
import { grouped, stackKey, textIn } from "./role-statements.ts";

interface Rule {
  readonly stack: Stack;
  readonly group: string;
  readonly fromPort: number | undefined;
  readonly toPort: number | undefined;
  readonly protocol: unknown;
  /** Id of a security group, or addresses. */
  readonly from: unknown;
  readonly kind: "group" | "addresses";
}

export interface IngressIndex {
  readonly rules: ReadonlyMap<string, readonly Rule[]>;
  readonly stacks: ReadonlySet<Stack>;
}

/** Every ingress rule of the app, from the groups themselves and from whoever added to them. */
export function collectIngress(constructs: readonly IConstruct[]): IngressIndex {
  const rules = constructs.flatMap((one): Rule[] => {
    if (one instanceof ec2.CfnSecurityGroup) {
      const stack = cdk.Stack.of(one);
      const inline = (stack.resolve(one.securityGroupIngress) ?? []) as Record<string, unknown>[];
      return inline.map((rule) => readRule(stack, stackKey(stack, one.attrGroupId), rule));
    }
    if (!(one instanceof ec2.CfnSecurityGroupIngress)) return [];
    const { fromPort, toPort, ipProtocol, sourceSecurityGroupId, cidrIp, cidrIpv6 } = one;
    const stack = cdk.Stack.of(one);
    return [readRule(stack, stackKey(stack, one.groupId), { fromPort, toPort, ipProtocol, sourceSecurityGroupId, cidrIp, cidrIpv6 })];
  });
  return { rules: grouped(rules, (rule) => [rule.group]), stacks: new Set(rules.map((rule) => rule.stack)) };
}

function readRule(stack: Stack, group: string, rule: Record<string, unknown>): Rule {
  const source: unknown = stack.resolve(rule.sourceSecurityGroupId);
  const port = (value: unknown) => (typeof value === "number" ? value : undefined);
  return {
    stack,
    group,
    fromPort: port(rule.fromPort),
    toPort: port(rule.toPort),
    protocol: rule.ipProtocol,
    from: source ?? stack.resolve(rule.cidrIp ?? rule.cidrIpv6),
    kind: source === undefined ? "addresses" : "group",
  };
}

/** The rules of a service's groups as the model has them. A range counts as its ends, and all ports as port 0: neither is the sidecar's. */
export function ingressRules(
  groups: readonly ISecurityGroup[],
  loadBalancerGroups: readonly ISecurityGroup[],
  { rules, stacks }: IngressIndex,
): SecurityGroupRule[] {
  return groups.flatMap((group) =>
    [...stacks].flatMap((stack) => {
      const id = textIn(stack, group, group.securityGroupId);
      const own = id === null ? [] : (rules.get(`${stack.node.addr} ${id}`) ?? []);
      return own.flatMap((rule) => {
        const open = rule.protocol === "-1" || rule.fromPort === undefined;
        const ports = open ? [0] : [rule.fromPort ?? 0, rule.toPort ?? 0];
        return [...new Set(ports)].map((port) => ({ source: sourceOf(rule, loadBalancerGroups), port }));
      });
    }),
  );
}

function sourceOf({ stack, from, kind }: Rule, loadBalancerGroups: readonly ISecurityGroup[]): string {
  const text = JSON.stringify(from);
  if (kind === "addresses") return typeof from === "string" ? from : `addresses/${text}`;
  if (loadBalancerGroups.some((group) => textIn(stack, group, group.securityGroupId) === text)) return "load-balancer";
  // The model tells groups from addresses by their characters.
  return `security group ${text.replace(/[^A-Za-z0-9-]+/g, " ").trim()}`;
}
