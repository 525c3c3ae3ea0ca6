import type { At } from "../at.ts";
import type { EcsSurroundings } from "../ecs-surroundings.ts";
import { logicalId } from "./resolve.ts";
import type { Resources } from "./template.ts";

/**
 * What the security groups of a service let in, as far as the template says it. Null when none of them is in it. A range counts as its ends, and all
 * ports as port 0: neither is the sidecar's.
 */
export function securityGroupRules(
  resources: Resources,
  groups: At,
  loadBalancer: ReadonlySet<string>,
): NonNullable<EcsSurroundings["securityGroup"]> | null {
  const named = groups.items().map((one) => logicalId(one.text()));
  const ids = named.filter((id) => id !== null && resources.typeOf(id) === "AWS::EC2::SecurityGroup");
  if (ids.length === 0) return null;
  const known = new Set(ids);
  const lists = ids.flatMap((id) => resources.get(id)?.get("SecurityGroupIngress") ?? []);
  const separate = resources
    .of("AWS::EC2::SecurityGroupIngress")
    .filter(({ properties }) => known.has(logicalId(properties.get("GroupId").text())))
    .map(({ properties }) => properties);
  const all = [...lists.flatMap((list) => list.items()), ...separate];
  // Which port a rule of another group opens is not known with its number; that one of addresses opens any is enough.
  const readable = all.filter((rule) => !rule.unresolved && !(rule.get("FromPort").unresolved && !rule.either("CidrIp", "CidrIpv6").given));
  const rules = readable.flatMap((rule) => {
    const source = sourceOf(rule, loadBalancer);
    const [from, to] = [rule.get("FromPort").number(), rule.get("ToPort").number()];
    const open = rule.get("IpProtocol").text() === "-1" || from === undefined;
    return [...new Set(open ? [0] : [from, to ?? from])].map((port) => ({ value: { source, port }, at: rule }));
  });
  return { rules, complete: ids.length === named.length && readable.length === all.length && lists.every((list) => !list.unresolved) };
}

/** The model tells groups from addresses by their characters. */
function sourceOf(rule: At, loadBalancer: ReadonlySet<string>): string {
  const group = rule.either("SourceSecurityGroupId", "SourceSecurityGroupName", "SourcePrefixListId");
  if (!group.given) return rule.either("CidrIp", "CidrIpv6").text() ?? "addresses/unknown";
  const id = logicalId(group.text());
  if (id !== null && loadBalancer.has(id)) return "load-balancer";
  return `security group ${(group.text() ?? "").replace(/[^A-Za-z0-9-]+/g, " ").trim()}`;
}
