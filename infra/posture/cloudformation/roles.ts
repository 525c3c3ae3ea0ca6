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
  const name = own?.get("RoleName");
  const isRole = (one: At) => logicalId(one.text()) === role || (name?.given === true && !name.unresolved && one.text() === name.text());
  const attached = ATTACHED.flatMap((type) => resources.of(type)).filter(({ properties }) =>
    [...properties.get("Roles").items(), properties.get("RoleName")].some(isRole),
  );
  const managed = known(own?.get("ManagedPolicyArns"), (arn) => {
    const policy = resources.named(arn);
    if (policy !== null) return statements(policy.properties.get("PolicyDocument"));
    return awsPolicyStatements(resourceText(arn.text() ?? "")).map((value) => ({ value, at: arn }));
  });
  return [
    ...known(own?.get("Policies"), (one) => statements(one.get("PolicyDocument"))),
    ...attached.flatMap(({ properties }) => statements(properties.get("PolicyDocument"))),
    ...managed,
  ];
}

/** Each of a list, which may be known only when it is deployed: then it counts as everything. */
function known(list: At | undefined, read: (one: At) => Placed<IamStatement>[]): Placed<IamStatement>[] {
  if (list === undefined) return [];
  return list.unresolved ? [anything(list)] : list.items().flatMap(read);
}

function anything(at: At): Placed<IamStatement> {
  return { value: { effect: "Allow", actions: ["*"], resources: [at.text() ?? "*"] }, at };
}

function statements(document: At): Placed<IamStatement>[] {
  if (document.unresolved) return [anything(document)];
  const list = written(document).get("Statement");
  if (list.unresolved) return [anything(list)];
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

/** A policy may be written as JSON in a text. */
function written(document: At): At {
  if (typeof document.value !== "string") return document;
  try {
    return document.holding(JSON.parse(document.value));
  } catch {
    return document;
  }
}

/**
 * Text that patterns can be held against: partition, region and account are anybody's, another resource of the template is `[its name]`, which is no
 * secret's ARN, and what nobody can know stays `${…}`, which counts as everything.
 */
function resourceText(text: string): string {
  return text.replace(/\$\{deferred:AWS\.(?:Partition|Region|AccountId)\}/g, "*").replace(/\$\{deferred:(Resource\.[^}]*)\}/g, "[$1]");
}
