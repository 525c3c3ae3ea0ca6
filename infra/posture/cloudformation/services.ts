import { At } from "../at.ts";
import { readEcs } from "../ecs.ts";
import type { EcsSurroundings, Placed } from "../ecs-surroundings.ts";
import { PASCAL } from "../ecs-words.ts";
import type { ReadOptions, ReadResult } from "../service-reader.ts";
import { loadBalancer } from "./load-balancer.ts";
import { intrinsics } from "./resolve.ts";
import { roleStatements } from "./roles.ts";
import { securityGroupRules } from "./security-groups.ts";
import { Resources } from "./template.ts";

const TASK = "AWS::ECS::TaskDefinition";
const SERVICE = "AWS::ECS::Service";

/** Every task definition of a template, once for each service that runs it. */
export function readTemplate(document: At, options: ReadOptions): ReadResult[] {
  const template = new At(document.value, document.path, intrinsics(document.value));
  const resources = new Resources(template);
  const services = resources.of(SERVICE);
  return resources.of(TASK).flatMap((task) => {
    const running = services.filter(({ properties }) => resources.named(properties.get("TaskDefinition"))?.id === task.id);
    const own = { ...options, fallbackName: task.id };
    const role = taskRole(resources, task.properties);
    if (running.length === 0) return [readEcs(task.properties, PASCAL, own, role)];
    return running.map((service) => readEcs(task.properties, PASCAL, own, { ...around(resources, service), ...role }));
  });
}

function around(resources: Resources, service: { id: string; properties: At }): EcsSurroundings {
  const { properties } = service;
  const breaker = properties.get("DeploymentConfiguration", "DeploymentCircuitBreaker");
  const name = properties.get("ServiceName");
  const groups = properties.get("NetworkConfiguration", "AwsvpcConfiguration", "SecurityGroups");
  const balanced = loadBalancer(resources, properties);
  const rules = securityGroupRules(resources, groups, balanced.groups);
  const scaling = resources
    .of("AWS::ApplicationAutoScaling::ScalableTarget")
    .find(
      ({ properties: target }) => resources.refers(target.get("ResourceId"), service.id) || mentions(target.get("ResourceId"), service.id),
    );
  return {
    name: name.given && !name.unresolved ? (name.text() ?? service.id) : service.id,
    service: properties,
    ...placed("circuitBreaker", breaker, {
      enable: breaker.get("Enable").flag() === true,
      rollback: breaker.get("Rollback").flag() === true,
    }),
    ...placed("exec", properties.get("EnableExecuteCommand"), properties.get("EnableExecuteCommand").flag() === true),
    ...placed(
      "healthGraceSeconds",
      properties.get("HealthCheckGracePeriodSeconds"),
      properties.get("HealthCheckGracePeriodSeconds").number() ?? 0,
    ),
    ...balanced.around,
    ...(rules === null ? {} : { securityGroup: rules }),
    ...(scaling === undefined ? {} : scalingOf(scaling.properties)),
  };
}

/** Silent means the platform's default; not known means that nothing is said. */
function placed<K extends keyof EcsSurroundings, T>(key: K, at: At, value: T): { [P in K]?: Placed<T> } {
  return at.unresolved ? {} : ({ [key]: { value, at } } as { [P in K]?: Placed<T> });
}

function mentions(at: At, id: string): boolean {
  return at.text()?.includes(`\${deferred:Resource.${id}.`) === true;
}

function scalingOf(at: At): Pick<EcsSurroundings, "scaling"> {
  const [min, max] = [at.get("MinCapacity").number(), at.get("MaxCapacity").number()];
  return min === undefined || max === undefined ? {} : { scaling: { min, max, at } };
}

function taskRole(resources: Resources, task: At): Pick<EcsSurroundings, "taskRole"> {
  const at = task.get("TaskRoleArn");
  const role = resources.named(at);
  return role === null ? {} : { taskRole: { statements: roleStatements(resources, role.id), at } };
}
