import type { Breach, Rule } from "./rule.ts";

export const ingressSource: Rule = {
  code: "CHIO-INGRESS-SOURCE",
  title: "The security group lets in more than the load balancer on the sidecar's port",
  severity: "error",
  why: "On Fargate a port mapping is only information: whatever listens is reachable if the security group allows it.",
  fix: "allow the load balancer's security group on the ingress port, and nothing else",
  platforms: ["ecs"],
  invariants: ["INV-2"],
  traps: [],
  check(topology) {
    if (topology.platform !== "ecs") return [];
    const breaches: Breach[] = [];
    for (const [index, { source, port }] of topology.settings.securityGroupIngress.entries()) {
      const path = `settings.securityGroupIngress[${index}]`;
      if (port !== topology.ingress.port)
        breaches.push({
          path: `${path}.port`,
          message: `port ${port} is opened to ${source}; only ${topology.ingress.port} is the sidecar's`,
        });
      if (/[/:]/.test(source))
        breaches.push({ path: `${path}.source`, message: `port ${port} is opened to the addresses ${source}, past the load balancer` });
    }
    return breaches;
  },
};
