import { At, type Resolve, Unresolved } from "./at.ts";
import { readCloudRun } from "./cloud-run.ts";
import { readContainerApp } from "./container-app.ts";
import { readEcs } from "./ecs.ts";
import type { EcsSurroundings } from "./ecs-surroundings.ts";
import { CAMEL } from "./ecs-words.ts";
import type { ReadOptions, ReadResult } from "./service-reader.ts";
import type { DocumentFormat } from "./types.ts";

/** Pulumi's mark on secrets, assets and other special values. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
/** Pulumi's sentinels for values that a preview does not know. */
const UNKNOWN =
  /^(04da6b54-80e4-46f7-96ec-b56ff0331ba9|6a19a0b0-7e62-4c92-b797-7f8e31da9cc2|030794c1-ac77-496b-92df-f27374a8bd58|e48ece36-62e2-4504-bad9-02848725956a|dd056dcd-154b-4c76-9bd3-c8f88648b5ff)$/;

const TASK = /^aws:ecs\/taskDefinition:TaskDefinition$/;
type ResourceReader = (at: At, options: ReadOptions, resources: readonly At[]) => readonly ReadResult[];
const READERS: readonly { readonly type: RegExp; readonly format: DocumentFormat; readonly read: ResourceReader }[] = [
  { type: /^gcp:cloudrunv2\/service:Service$/, format: "cloud-run-v2", read: (at, options) => [readCloudRun(at, options)] },
  {
    type: /^azure-native(_app_v\d+)?:app(\/v\w+)?:ContainerApp$/,
    format: "container-app",
    read: (at, options) => [readContainerApp(at, options)],
  },
  { type: TASK, format: "ecs-task-definition", read: readTask },
];

/** In which words the properties of a resource are. Null for a resource that runs no sidecar. */
export function stackFormat(type: string): DocumentFormat | null {
  return READERS.find((one) => one.type.test(type))?.format ?? null;
}

/** One resource by its properties, as a program gives them. */
export function readStackResource(type: string, props: At, options: ReadOptions): ReadResult | null {
  const at = new At(props.value, props.path, unwrap);
  return READERS.find((one) => one.type.test(type))?.read(at, options, [])[0] ?? null;
}

/** The governed services in a stack's export, from the inputs of its resources. */
export function readStack(document: At, options: ReadOptions): ReadResult[] {
  const resources = new At(document.value, document.path, unwrap).either("deployment", "resources");
  const list = (resources.get("resources").given ? resources.get("resources") : resources).items();
  return list.flatMap((resource) => {
    // A resource that waits for its deletion is not what is deployed.
    if (resource.get("delete").flag() === true) return [];
    const type = resource.get("type").text() ?? "";
    const reader = READERS.find((one) => one.type.test(type));
    const name = resource.get("urn").text()?.split("::").at(-1) ?? options.fallbackName;
    return reader?.read(resource.get("inputs"), { ...options, fallbackName: name }, list) ?? [];
  });
}

/** A secret in clear is what it holds; one that is encrypted is not known. */
const unwrap: Resolve = (value) => {
  if (typeof value === "string") return UNKNOWN.test(value) ? new Unresolved("preview") : value;
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, SIGNATURE)) return value;
  const { [SIGNATURE]: mark, plaintext } = value as Record<string, unknown>;
  if (mark !== SECRET) return value;
  if (typeof plaintext !== "string") return new Unresolved("secret");
  try {
    return JSON.parse(plaintext);
  } catch {
    return new Unresolved("secret");
  }
};

/** Once for each service that runs it. `containerDefinitions` is JSON in a text; of one that is none, no container is known. */
function readTask(at: At, options: ReadOptions, resources: readonly At[]): ReadResult[] {
  const definitions = at.get("containerDefinitions");
  const text = definitions.text();
  let containers: unknown = definitions.value;
  if (typeof text === "string" && !definitions.unresolved) {
    try {
      containers = JSON.parse(text);
    } catch {
      containers = [];
    }
  }
  const task = at.holding(withDefinitions(at, containers));
  const services = servicesOf(at, resources);
  return (services.length === 0 ? [{}] : services.map(around)).map((one) => readEcs(task, CAMEL, options, one));
}

/** The same inputs with the list in place of its text; a proxy of a policy pack stays what it is. */
function withDefinitions(at: At, containers: unknown): object {
  return Object.fromEntries([...at.entries().map(([key, one]) => [key, one.value]), ["containerDefinitions", containers]]);
}

/** The services that run this task definition: by ARN where the stack is deployed, else the one of a stack that has no other task. */
function servicesOf(task: At, resources: readonly At[]): At[] {
  const services = resources.filter((one) => one.get("type").text() === "aws:ecs/service:Service" && one.get("delete").flag() !== true);
  const tasks = resources.filter((one) => TASK.test(one.get("type").text() ?? ""));
  const own = tasks.find((one) => one.get("inputs").path.join("/") === task.path.join("/"));
  const arn = own?.get("outputs", "arn").text();
  const running = services.filter((one) => arn !== undefined && one.get("inputs", "taskDefinition").text() === arn);
  return running.length > 0 ? running : services.length === 1 && tasks.length === 1 ? services : [];
}

/** Silent means the platform's default; not known means that nothing is said. */
function around(service: At): EcsSurroundings {
  const inputs = service.get("inputs");
  const breaker = inputs.get("deploymentCircuitBreaker");
  const [enable, rollback] = [breaker.get("enable"), breaker.get("rollback")];
  const [exec, grace, name] = [inputs.get("enableExecuteCommand"), inputs.get("healthCheckGracePeriodSeconds"), inputs.get("name")];
  const balancers = inputs.get("loadBalancers").items();
  const targets = balancers.flatMap((one) => {
    const [container, port] = [one.get("containerName"), one.get("containerPort").number()];
    return container.text() === undefined || container.unresolved || port === undefined
      ? []
      : [{ container: container.text() ?? "", port, at: one }];
  });
  return {
    ...(name.given && !name.unresolved ? { name: name.text() ?? "" } : {}),
    service: inputs,
    ...(enable.unresolved || rollback.unresolved
      ? {}
      : { circuitBreaker: { value: { enable: enable.flag() === true, rollback: rollback.flag() === true }, at: breaker } }),
    ...(exec.unresolved ? {} : { exec: { value: exec.flag() === true, at: exec } }),
    ...(grace.unresolved ? {} : { healthGraceSeconds: { value: grace.number() ?? 0, at: grace } }),
    ...(targets.length === 0 ? {} : { targets, allTargets: targets.length === balancers.length }),
  };
}
