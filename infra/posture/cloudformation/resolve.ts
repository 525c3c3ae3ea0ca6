import { isDeferred } from "../../topology/deferred.ts";
import { type Resolve, Unresolved } from "../at.ts";

type Data = Readonly<Record<string, unknown>>;
const object = (value: unknown): Data => (value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Data) : {});
const MAX_DEPTH = 64;

/** Stands for a resource of the template: `Resource.LOGICALID`, or `Resource.LOGICALID.ATTRIBUTE`. */
const RESOURCE = "Resource.";

/** The logical id in a marker that stands for a resource of the template, alone or with an attribute. */
export function logicalId(text: string | undefined): string | null {
  return /^\$\{deferred:Resource\.([A-Za-z0-9]+)(?:\.[A-Za-z0-9._-]+)?\}$/.exec(text ?? "")?.[1] ?? null;
}

/** A secret of the template by an ARN that patterns in policies can be held against. Region and account are anybody's. */
export function secretArn(id: string, name: unknown): string {
  return `arn:aws:secretsmanager:region:account:secret:${typeof name === "string" && !isDeferred(name) ? name : id}-XXXXXX`;
}

/**
 * CloudFormation's intrinsic functions, as far as the template itself answers them: parameters with a default, mappings, conditions of those, and
 * names of its resources. All else is known only when it is deployed.
 */
export function intrinsics(template: unknown): Resolve {
  const { Parameters, Resources, Mappings, Conditions } = object(template);
  const [parameters, resources, mappings, conditions] = [object(Parameters), object(Resources), object(Mappings), object(Conditions)];
  let depth = 0;

  const resolve: Resolve = (value) => {
    const entries = value !== null && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
    const [[name, argument] = ["", null]] = entries;
    if (Array.isArray(value)) return value.map((item) => (single(item) === "Fn::If" || single(item) === "Ref" ? resolve(item) : item));
    if (entries.length !== 1 || (name !== "Ref" && !name.startsWith("Fn::") && name !== "Condition")) return value;
    if (++depth > MAX_DEPTH) return new Unresolved("too deep");
    try {
      return call(name, argument);
    } finally {
      depth--;
    }
  };

  const call = (name: string, argument: unknown): unknown => {
    switch (name) {
      case "Ref":
        return reference(String(argument));
      case "Fn::GetAtt": {
        const [id = "", ...attribute] = Array.isArray(argument) ? argument.map(String) : String(argument).split(".");
        return attributeOf(id, attribute.join("."));
      }
      case "Fn::Sub":
        return substitute(argument);
      case "Fn::Join": {
        const [separator, list] = Array.isArray(argument) ? argument : [];
        const parts = resolve(list);
        const texts = Array.isArray(parts) ? parts.map((part) => textOf(resolve(part))) : [];
        return !Array.isArray(parts) || texts.includes(undefined) ? new Unresolved("Fn.Join") : texts.join(String(separator));
      }
      case "Fn::Select": {
        const [index, list] = Array.isArray(argument) ? argument : [];
        const items = resolve(list);
        return Array.isArray(items) ? resolve(items[Number(textOf(resolve(index)))]) : new Unresolved("Fn.Select");
      }
      case "Fn::Split": {
        const [separator, text] = Array.isArray(argument) ? argument : [];
        const whole = textOf(resolve(text));
        return whole === undefined || isDeferred(whole) ? new Unresolved("Fn.Split") : whole.split(String(separator));
      }
      case "Fn::FindInMap": {
        const keys = Array.isArray(argument) ? argument.slice(0, 3).map((key) => textOf(resolve(key)) ?? "") : [];
        const found = keys.reduce<unknown>((inside, key) => object(inside)[key], mappings);
        return found === undefined ? new Unresolved("Fn.FindInMap") : found;
      }
      case "Fn::If": {
        const [condition, yes, no] = Array.isArray(argument) ? argument : [];
        const holds = conditionHolds(String(condition));
        return holds === undefined ? new Unresolved(`Condition.${condition}`) : resolve(holds ? yes : no);
      }
      default:
        return new Unresolved(`${name.replace("::", ".")}.${typeof argument === "string" ? argument : ""}`);
    }
  };

  const reference = (id: string): unknown => {
    if (id === "AWS::NoValue") return undefined;
    if (id.startsWith("AWS::")) return new Unresolved(`AWS.${id.slice(5)}`);
    if (Object.hasOwn(parameters, id)) return parameter(id);
    return resourceText(id, "");
  };

  const parameter = (id: string): unknown => {
    const { Type, Default } = object(parameters[id]);
    if (Default === undefined || String(Type).startsWith("AWS::SSM::")) return new Unresolved(`Parameter.${id}`);
    return /List|CommaDelimited/.test(String(Type))
      ? String(Default)
          .split(",")
          .map((part) => part.trim())
      : Default;
  };

  const attributeOf = (id: string, attribute: string): unknown => resourceText(id, `.${attribute}`);

  const resourceText = (id: string, attribute: string): unknown => {
    const { Type, Properties } = object(resources[id]);
    if (Type === "AWS::SecretsManager::Secret" && (attribute === "" || attribute === ".Id" || attribute === ".Arn"))
      return secretArn(id, resolve(object(Properties).Name));
    return new Unresolved(`${RESOURCE}${id}${attribute}`);
  };

  const substitute = (argument: unknown): unknown => {
    const [text, given] = Array.isArray(argument) ? argument : [argument, {}];
    if (typeof text !== "string") return new Unresolved("Fn.Sub");
    const own = object(given);
    return text.replace(/\$\{([^}]*)\}/g, (_all, name: string) => {
      if (name.startsWith("!")) return `\${${name.slice(1)}}`;
      const value = Object.hasOwn(own, name) ? resolve(own[name]) : name.includes(".") ? call("Fn::GetAtt", name) : reference(name);
      return textOf(value) ?? new Unresolved(name).marker;
    });
  };

  /** Undefined: nobody can say before the deployment. */
  const conditionHolds = (name: string): boolean | undefined => {
    if (!Object.hasOwn(conditions, name) || ++depth > MAX_DEPTH) return undefined;
    const holds = test(conditions[name]);
    depth--;
    return holds;
  };

  const test = (value: unknown): boolean | undefined => {
    const [[name, argument] = ["", null]] = Object.entries(object(value));
    const list = Array.isArray(argument) ? argument : [];
    if (name === "Condition") return conditionHolds(String(argument));
    if (name === "Fn::Not") return negated(test(list[0]));
    if (name === "Fn::And" || name === "Fn::Or") {
      const parts = list.map(test);
      const decisive = name === "Fn::Or";
      return parts.includes(decisive) ? decisive : parts.includes(undefined) ? undefined : !decisive;
    }
    if (name !== "Fn::Equals") return undefined;
    const [a, b] = list.map((one) => textOf(resolve(one)));
    return a === undefined || b === undefined || isDeferred(a) || isDeferred(b) ? undefined : a === b;
  };
  return resolve;
}

function negated(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value;
}

function single(value: unknown): string {
  const keys = value !== null && typeof value === "object" ? Object.keys(value) : [];
  return keys.length === 1 ? (keys[0] ?? "") : "";
}

/** Text with markers for what is not known in it. */
export function textOf(value: unknown): string | undefined {
  if (value instanceof Unresolved) return value.marker;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
