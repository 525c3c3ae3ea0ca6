import type { Stack } from "aws-cdk-lib";
import type { CfnManagedPolicy, CfnPolicy, CfnRole, CfnRolePolicy, IRole } from "aws-cdk-lib/aws-iam";
import type { CfnResourcePolicy } from "aws-cdk-lib/aws-secretsmanager";
import type { IConstruct } from "constructs";
import { awsPolicyStatements, type IamStatement, readStatement } from "../topology/index.ts";
import { cdk, iam, secretsmanager } from "./cdk.ts";
import { arnOf, type StoredSecret } from "./stored-secret.ts";

type AttachedPolicy = CfnPolicy | CfnManagedPolicy | CfnRolePolicy;

/** What is attached to roles and secrets anywhere in an app. Collected once for all of its services. */
export interface PolicyIndex {
  /** By `stackKey` of the role as the policy names it. */
  readonly byRole: ReadonlyMap<string, readonly AttachedPolicy[]>;
  /** By `stackKey` of their own ARN. */
  readonly managed: ReadonlyMap<string, CfnManagedPolicy>;
  /** By `stackKey` of the secret. */
  readonly bySecret: ReadonlyMap<string, readonly CfnResourcePolicy[]>;
  readonly stacks: ReadonlySet<Stack>;
  /** Logical ids. A parameter may hold any ARN at all; a resource has its own. */
  readonly parameters: ReadonlySet<string>;
}

export function collectPolicies(constructs: readonly IConstruct[]): PolicyIndex {
  const policies = constructs.filter(
    (one) => one instanceof iam.CfnPolicy || one instanceof iam.CfnManagedPolicy || one instanceof iam.CfnRolePolicy,
  );
  const resourcePolicies = constructs.filter((one) => one instanceof secretsmanager.CfnResourcePolicy);
  return {
    byRole: grouped(policies, (policy) => {
      const roles =
        policy instanceof iam.CfnRolePolicy ? [policy.roleName] : ((cdk.Stack.of(policy).resolve(policy.roles) ?? []) as unknown[]);
      return roles.map((role) => stackKey(cdk.Stack.of(policy), role));
    }),
    managed: new Map(
      policies.filter((one) => one instanceof iam.CfnManagedPolicy).map((one) => [stackKey(cdk.Stack.of(one), one.ref), one] as const),
    ),
    bySecret: grouped(resourcePolicies, (policy) => [stackKey(cdk.Stack.of(policy), policy.secretId)]),
    stacks: new Set([...policies, ...resourcePolicies].map((one) => cdk.Stack.of(one))),
    parameters: new Set(
      constructs.filter((one) => one instanceof cdk.CfnParameter).map((one) => String(cdk.Stack.of(one).resolve(one.logicalId))),
    ),
  };
}

/** A secret's ARN as text that IAM patterns can be held against, whether it is known already or not. */
export function comparableArn(secret: StoredSecret): string {
  const resource = secret.node.defaultChild;
  const stack = cdk.Stack.of(secret);
  if (!cdk.CfnResource.isCfnResource(resource)) return flatten(stack.resolve(arnOf(secret)), { pseudo: "known" });
  const given: unknown = stack.resolve(Reflect.get(resource, "name"));
  const name = typeof given === "string" ? given : `${stack.resolve(resource.logicalId)}-XXXXXXXXXXXX`;
  return `arn:known:secretsmanager:known:known:secret:${name}`;
}

/** Every statement that the role has, from wherever it was added, with the secrets' ARNs as `comparableArn` gives them. */
export function roleStatements(role: IRole, index: PolicyIndex, secrets: readonly StoredSecret[]): IamStatement[] {
  const resource = role.node.defaultChild;
  const attached = new Set(lookUp(index.byRole, index, role, [role.roleName, role.roleArn]));
  return [
    ...[...attached].flatMap((policy) => read(policy, policy.policyDocument, index, secrets)),
    ...(resource instanceof iam.CfnRole ? ownPolicies(resource, index, secrets) : []),
    ...secrets.flatMap((secret) => secretStatements(secret, role, index, secrets)),
  ];
}

function ownPolicies(resource: CfnRole, index: PolicyIndex, secrets: readonly StoredSecret[]): IamStatement[] {
  const stack = cdk.Stack.of(resource);
  const inline = (stack.resolve(resource.policies) ?? []) as { policyDocument: unknown }[];
  const managed = (stack.resolve(resource.managedPolicyArns) ?? []) as unknown[];
  return [
    ...inline.flatMap((one) => read(resource, one.policyDocument, index, secrets)),
    ...managed.flatMap((arn) => {
      const owner = index.managed.get(stackKey(stack, arn));
      return owner === undefined ? awsPolicyStatements(flatten(arn, { pseudo: "*" })) : read(owner, owner.policyDocument, index, secrets);
    }),
  ];
}

/** A resource policy speaks of its own secret, whatever its Resource says. */
function secretStatements(secret: StoredSecret, role: IRole, index: PolicyIndex, secrets: readonly StoredSecret[]): IamStatement[] {
  return lookUp(index.bySecret, index, secret, [arnOf(secret)]).flatMap((policy) => {
    const stack = cdk.Stack.of(policy);
    const names = [role.roleArn, role.roleName].map((name) => textIn(stack, role, name));
    const forRole = (fields: Fields) => principals(fields).some((one) => one === "*" || names.includes(JSON.stringify(one)));
    return read(policy, policy.resourcePolicy, index, secrets, forRole).map((one) => ({ ...one, resources: [comparableArn(secret)] }));
  });
}

type Fields = Readonly<Record<string, unknown>>;

function read(
  owner: IConstruct,
  document: unknown,
  { parameters }: PolicyIndex,
  secrets: readonly StoredSecret[],
  keep: (statement: Fields) => boolean = () => true,
): IamStatement[] {
  const stack = cdk.Stack.of(owner);
  const known = new Map(
    secrets.flatMap((one) => {
      const text = textIn(stack, one, arnOf(one));
      return text === null ? [] : [[text, comparableArn(one)] as const];
    }),
  );
  const statements = [(stack.resolve(document) as { Statement?: unknown } | undefined)?.Statement ?? []].flat() as Fields[];
  return statements.filter(keep).flatMap((fields) => normalized(fields, { pseudo: "*", known, parameters }));
}

function normalized(fields: Fields, context: Flattening): IamStatement[] {
  const list = (value: unknown) => (value === undefined ? undefined : [value ?? []].flat().map((item) => flatten(item, context)));
  return readStatement({
    effect: fields.Effect === "Deny" ? "Deny" : "Allow",
    actions: list(fields.Action),
    notActions: list(fields.NotAction),
    resources: list(fields.Resource),
    notResources: list(fields.NotResource),
    conditional: fields.Condition !== undefined,
  });
}

interface Flattening {
  /** What stands for partition, region and account. */
  readonly pseudo: string;
  /** Secrets' ARNs by the JSON of their intrinsic. */
  readonly known?: ReadonlyMap<string, string>;
  readonly parameters?: ReadonlySet<string>;
}

/**
 * An intrinsic as text. A resource of the app other than a known one is `[its name]`, which matches nothing; what nobody can know stays
 * `${…}`, which counts as everything.
 */
function flatten(value: unknown, context: Flattening): string {
  const secret = context.known?.get(JSON.stringify(value));
  if (secret !== undefined) return secret;
  if (typeof value === "string") return value;
  if (value === null || typeof value !== "object") return String(value);
  const [[name, argument] = ["", null]] = Object.entries(value);
  if (name === "Fn::Join" && Array.isArray(argument) && Array.isArray(argument[1])) {
    return argument[1].map((part) => flatten(part, context)).join(String(argument[0]));
  }
  const text = JSON.stringify(argument);
  if (name === "Ref" && String(argument).startsWith("AWS::")) return context.pseudo;
  const logical: unknown = name === "Ref" ? argument : name === "Fn::GetAtt" && Array.isArray(argument) ? argument[0] : null;
  if (typeof logical === "string" && context.parameters?.has(logical) === false) return `[${text}]`;
  if (name === "Fn::ImportValue" && text.includes(":ExportsOutput")) return `[${text}]`;
  return `\${${name} ${text}}`;
}

/** What a token of `owner` is in another stack, as JSON. Null where that stack has no reference to it: its own names may look the same. */
export function textIn(stack: Stack, owner: IConstruct, token: string): string | null {
  const resolved: unknown = stack.resolve(token);
  const text = JSON.stringify(resolved);
  if (cdk.Stack.of(owner) === stack || typeof resolved === "string") return text;
  return text === JSON.stringify(cdk.Stack.of(owner).resolve(token)) ? null : text;
}

export function stackKey(stack: Stack, value: unknown): string {
  return `${stack.node.addr} ${JSON.stringify(stack.resolve(value))}`;
}

export function grouped<T>(items: readonly T[], keys: (item: T) => readonly string[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) for (const key of keys(item)) groups.set(key, [...(groups.get(key) ?? []), item]);
  return groups;
}

function lookUp<T>(map: ReadonlyMap<string, readonly T[]>, { stacks }: PolicyIndex, owner: IConstruct, tokens: readonly string[]): T[] {
  return [...stacks].flatMap((stack) =>
    tokens.flatMap((token) => {
      const text = textIn(stack, owner, token);
      return text === null ? [] : (map.get(`${stack.node.addr} ${text}`) ?? []);
    }),
  );
}

function principals({ Principal: given }: Fields): unknown[] {
  const aws = typeof given === "object" && given !== null ? (given as Fields).AWS : given;
  return [aws ?? []].flat();
}
