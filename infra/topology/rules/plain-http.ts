import { CLOUDS, type Rule } from "./rule.ts";

export const plainHttp: Rule = {
  code: "CHIO-PLAIN-HTTP",
  title: "Plain HTTP from outside",
  severity: "error",
  why: "Capabilities travel in a header: whoever reads one on the way can use it until it expires.",
  fix: "set allowInsecure to false; on ECS give ecs.loadBalancer.certificateArn, or keep the exposure internal",
  platforms: CLOUDS,
  invariants: [],
  traps: [20],
  check(topology) {
    if (topology.ingress.allowInsecure) return [{ path: "ingress.allowInsecure", message: "the ingress takes plain HTTP" }];
    if (topology.platform === "ecs" && topology.ingress.exposure === "external" && topology.settings.loadBalancer.certificateArn === null) {
      return [
        {
          path: "settings.loadBalancer.certificateArn",
          message: "an external load balancer without a certificate speaks plain HTTP on the Internet",
        },
      ];
    }
    return [];
  },
};
