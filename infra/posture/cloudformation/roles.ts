import { awsPolicyStatements, readStatement } from "../../topology/iam.ts";
import type { IamStatement } from "../../topology/settings.ts";
import type { At } from "../at.ts";
import type { Placed } from "../ecs-surroundings.ts";
import { logicalId } from "./resolve.ts";
import type { Resources } from "./template.ts";

const ATTACHED = ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"];

/** Every statement that the template puts on a role: inline, attached, managed, and those of AWS that it names. */
export function roleStatements(resources: Resources, role: string): Placed<IamStatement>[] {
  const own = resources.get(role);
  const attached = ATTACHED.flatMap((type) => resources.of(type)).filter(({ properties }) =>
    [...properties.get("Roles").items(), properties.get("RoleName")].some((one) => logicalId(one.text()) === role),
  );
  const managed = (own?.get("ManagedPolicyArns").items() ?? []).flatMap((arn) => {
    const policy = resources.named(arn);
    if (policy !== null) return statements(policy.properties.get("PolicyDocument"));
    return awsPolicyStatements(resourceText(arn.text() ?? "")).map((value) => ({ value, at: arn }));
  });
  return [
    ...(own?.get("Policies").items() ?? []).flatMap((one) => statements(one.get("PolicyDocument"))),
    ...attached.flatMap(({ properties }) => statements(properties.get("PolicyDocument"))),
    ...managed,
  ];
}

function statements(document: At): Placed<IamStatement>[] {
  const list = document.get("Statement");
  return (Array.isArray(list.value) ? list.items() : [list]).flatMap((at) => {
    const field = (name: string) => at.get(name);
    const texts = (one: At) =>
      !one.given ? undefined : (Array.isArray(one.value) ? one.items() : [one]).map((item) => resourceText(item.text() ?? ""));
    const read = readStatement({
      effect: field("Effect").text(),
      actions: texts(field("Action")),
      notActions: texts(field("NotAction")),
      resources: texts(field("Resource")),
      notResources: texts(field("NotResource")),
      conditional: field("Condition").given,
    });
    return read.map((value) => ({ value, at }));
  });
}

/**
 * Text that patterns can be held against: partition, region and account are anybody's, another resource of the template is `[its name]`, which is no
 * secret's ARN, and what nobody can know stays `${…}`, which counts as everything.
 */
function resourceText(text: string): string {
  return text.replace(/\$\{deferred:AWS\.(?:Partition|Region|AccountId)\}/g, "*").replace(/\$\{deferred:(Resource\.[^}]*)\}/g, "[$1]");
}
