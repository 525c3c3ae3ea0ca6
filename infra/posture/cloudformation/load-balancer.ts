import type { At } from "../at.ts";
import type { BalancerTarget, EcsSurroundings } from "../ecs-surroundings.ts";
import { logicalId } from "./resolve.ts";
import type { Resources } from "./template.ts";

/** What ELB takes where a template is silent. Source: Elastic Load Balancing API reference. */
const DEFAULTS = { healthPath: "/", deregistrationSeconds: 300, idleSeconds: 60 };
const V2 = "AWS::ElasticLoadBalancingV2";

/** The load balancer of a service, as far as the template has it. `groups`: logical ids of its security groups. */
export function loadBalancer(resources: Resources, service: At): { around: EcsSurroundings; groups: ReadonlySet<string> } {
  const entries = service.get("LoadBalancers").items();
  const targets = entries.map(
    (at): BalancerTarget => ({ container: at.get("ContainerName").text() ?? "", port: at.get("ContainerPort").number() ?? 0, at }),
  );
  const unresolved = entries.some((at) => at.get("ContainerName").unresolved || at.get("ContainerPort").unresolved);
  const around: EcsSurroundings = entries.length === 0 || unresolved ? {} : { targets };
  const group = entries.map((at) => resources.named(at.get("TargetGroupArn"))).find((one) => one !== null) ?? null;
  if (group === null) return { around, groups: new Set() };
  const listeners = listenersOf(resources, group.id);
  const balancers = listeners.flatMap((one) => resources.named(one.get("LoadBalancerArn")) ?? []);
  const [balancer] = balancers;
  return {
    around: { ...around, ...targetGroup(group.properties), ...(balancer === undefined ? {} : balancing(balancer.properties, listeners)) },
    groups: new Set(
      balancers.flatMap(({ properties }) =>
        properties
          .get("SecurityGroups")
          .items()
          .flatMap((one) => logicalId(one.text()) ?? []),
      ),
    ),
  };
}

/** Listeners that send to the target group, by their default action or by a rule. */
function listenersOf(resources: Resources, targetGroup: string): At[] {
  const byRule = new Set(
    resources
      .of(`${V2}::ListenerRule`)
      .filter(({ properties }) => resources.refers(properties.get("Actions"), targetGroup))
      .flatMap(({ properties }) => logicalId(properties.get("ListenerArn").text()) ?? []),
  );
  return resources
    .of(`${V2}::Listener`)
    .filter(({ id, properties }) => byRule.has(id) || resources.refers(properties.get("DefaultActions"), targetGroup))
    .map(({ properties }) => properties);
}

function targetGroup(at: At): EcsSurroundings {
  const path = at.get("HealthCheckPath");
  const delay = attribute(at.get("TargetGroupAttributes"), "deregistration_delay.timeout_seconds");
  return {
    ...(path.unresolved ? {} : { targetHealthPath: { value: path.text() ?? DEFAULTS.healthPath, at: path } }),
    ...(delay?.unresolved === true
      ? {}
      : {
          deregistrationSeconds: { value: delay?.number() ?? DEFAULTS.deregistrationSeconds, at: delay ?? at.get("TargetGroupAttributes") },
        }),
  };
}

function balancing(at: At, listeners: readonly At[]): EcsSurroundings {
  const scheme = at.get("Scheme");
  const idle = attribute(at.get("LoadBalancerAttributes"), "idle_timeout.timeout_seconds");
  // A listener that speaks plain HTTP counts, whatever another one does; one that only redirects is in no action that forwards.
  const plain = listeners.find((one) => !/^(HTTPS|TLS)$/i.test(one.get("Protocol").text() ?? "HTTP"));
  const first = plain ?? listeners[0] ?? at;
  return {
    ...(scheme.unresolved ? {} : { exposure: { value: scheme.text() === "internal" ? "internal" : "external", at: scheme } }),
    certificate: {
      value: plain === undefined ? (first.get("Certificates", 0, "CertificateArn").text() ?? "listener") : null,
      at: first.get("Protocol"),
    },
    ...(idle?.unresolved === true
      ? {}
      : { requestTimeoutSeconds: { value: idle?.number() ?? DEFAULTS.idleSeconds, at: idle ?? at.get("LoadBalancerAttributes") } }),
  };
}

function attribute(list: At, key: string): At | undefined {
  return list
    .items()
    .find((one) => one.get("Key").text() === key)
    ?.get("Value");
}
