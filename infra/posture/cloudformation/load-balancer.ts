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
  const targets = entries
    .filter((at) => !at.get("ContainerName").unresolved && !at.get("ContainerPort").unresolved)
    .map((at): BalancerTarget => ({ container: at.get("ContainerName").text() ?? "", port: at.get("ContainerPort").number() ?? 0, at }));
  const unresolved = targets.length < entries.length;
  const around: EcsSurroundings = targets.length === 0 ? {} : { targets, allTargets: !unresolved };
  const targetGroups = entries.flatMap((at) => resources.named(at.get("TargetGroupArn")) ?? []);
  if (targetGroups.length === 0) return { around, groups: new Set() };
  const routes = targetGroups
    .flatMap((group) => listenersOf(resources, group.id))
    .map((listener): Route => ({ listener, balancer: resources.named(listener.get("LoadBalancerArn"))?.properties ?? null }));
  return {
    around: { ...around, ...health(targetGroups.map(({ properties }) => properties)), ...balancing(routes) },
    groups: new Set(
      routes.flatMap(({ balancer }) => (balancer?.get("SecurityGroups").items() ?? []).flatMap((one) => logicalId(one.text()) ?? [])),
    ),
  };
}

/** A listener, and the load balancer that it belongs to, if the template has it. */
interface Route {
  readonly listener: At;
  readonly balancer: At | null;
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

function health(groups: readonly At[]): EcsSurroundings {
  const asked = groups.flatMap((at) => {
    const [path, port] = [at.get("HealthCheckPath"), at.get("HealthCheckPort")];
    if (path.unresolved) return [];
    const number = port.number();
    return [
      {
        path: { value: path.text() ?? DEFAULTS.healthPath, at: path },
        port: number === undefined ? null : { value: number, at: port },
      },
    ];
  });
  const delays = groups.map((at) => attribute(at.get("TargetGroupAttributes"), "deregistration_delay.timeout_seconds"));
  const [shortest] = groups
    .map((at, index) => ({
      value: delays[index]?.number() ?? DEFAULTS.deregistrationSeconds,
      at: delays[index] ?? at.get("TargetGroupAttributes"),
    }))
    .toSorted((a, b) => a.value - b.value);
  return {
    ...(asked.length < groups.length ? {} : { targetHealth: asked }),
    ...(shortest === undefined || delays.some((one) => one?.unresolved === true) ? {} : { deregistrationSeconds: shortest }),
  };
}

/** The way in that a rule objects to, if there is one: from outside before inside, plain before encrypted. */
function balancing(routes: readonly Route[]): EcsSurroundings {
  const external = ({ balancer }: Route) => balancer !== null && balancer.get("Scheme").text() !== "internal";
  const plain = ({ listener }: Route) => !/^(HTTPS|TLS)$/i.test(listener.get("Protocol").text() ?? "HTTP");
  const rank = (one: Route) => (external(one) ? 2 : 0) + (plain(one) ? 1 : 0);
  const [route] = routes.filter(({ balancer }) => balancer !== null).toSorted((a, b) => rank(b) - rank(a));
  if (route === undefined || route.balancer === null) return {};
  const { listener, balancer: at } = route;
  const scheme = at.get("Scheme");
  const idle = attribute(at.get("LoadBalancerAttributes"), "idle_timeout.timeout_seconds");
  return {
    ...(scheme.unresolved ? {} : { exposure: { value: external(route) ? "external" : "internal", at: scheme } }),
    certificate: {
      value: plain(route) ? null : (listener.get("Certificates", 0, "CertificateArn").text() ?? "listener"),
      at: listener.get("Protocol"),
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
