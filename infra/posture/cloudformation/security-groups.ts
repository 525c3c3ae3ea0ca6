import type { SecurityGroupRule } from "../../topology/settings.ts";
import type { At } from "../at.ts";
import type { Placed } from "../ecs-surroundings.ts";
import { logicalId } from "./resolve.ts";
import type { Resources } from "./template.ts";

/**
 * What the security groups of a service let in. Null when one of them is not in the template. A range counts as its ends, and all ports as port 0:
 * neither is the sidecar's.
 */
export function securityGroupRules(
  resources: Resources,
  groups: At,
  loadBalancer: ReadonlySet<string>,
): Placed<SecurityGroupRule>[] | null {
  const ids = groups.items().map((one) => logicalId(one.text()));
  if (ids.length === 0 || ids.some((id) => id === null || resources.typeOf(id) !== "AWS::EC2::SecurityGroup")) return null;
  const known = new Set(ids);
  const inline = ids.flatMap((id) => resources.get(id)?.get("SecurityGroupIngress").items() ?? []);
  const separate = resources
    .of("AWS::EC2::SecurityGroupIngress")
    .filter(({ properties }) => known.has(logicalId(properties.get("GroupId").text())))
    .map(({ properties }) => properties);
  return [...inline, ...separate].flatMap((rule) => {
    const source = sourceOf(rule, loadBalancer);
    const [from, to] = [rule.get("FromPort").number(), rule.get("ToPort").number()];
    const open = rule.get("IpProtocol").text() === "-1" || from === undefined;
    return [...new Set(open ? [0] : [from, to ?? from])].map((port) => ({ value: { source, port }, at: rule }));
  });
}

/** The model tells groups from addresses by their characters. */
function sourceOf(rule: At, loadBalancer: ReadonlySet<string>): string {
  const group = rule.either("SourceSecurityGroupId", "SourceSecurityGroupName", "SourcePrefixListId");
  if (!group.given) return rule.either("CidrIp", "CidrIpv6").text() ?? "addresses/unknown";
  const id = logicalId(group.text());
  if (id !== null && loadBalancer.has(id)) return "load-balancer";
  return `security group ${(group.text() ?? "").replace(/[^A-Za-z0-9-]+/g, " ").trim()}`;
}
