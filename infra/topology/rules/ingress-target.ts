import { ALL, type Breach, flagValue, type Rule, theSidecar } from "./rule.ts";

export const ingressTarget: Rule = {
  code: "CHIO-INGRESS-TARGET",
  title: "Traffic does not arrive at the sidecar",
  severity: "error",
  why: "Requests go past the kernel: no capability check, no guard, no receipt.",
  fix: "let the ingress name the sidecar and the port that the sidecar listens on",
  platforms: ALL,
  invariants: ["INV-2"],
  traps: [],
  check(topology) {
    const { ingress } = topology;
    const sidecar = theSidecar(topology);
    if (sidecar === null) return [];
    if (ingress.container !== sidecar.name)
      return [{ path: "ingress.container", message: `traffic goes to ${ingress.container}, not to ${sidecar.name}` }];
    const breaches: Breach[] = [];
    if (!sidecar.ports.includes(ingress.port))
      breaches.push({ path: "ingress.port", message: `traffic goes to port ${ingress.port}, which ${sidecar.name} does not announce` });
    const listen = flagValue(sidecar.args ?? [], "--listen") ?? sidecar.env.CHIO_LISTEN_ADDR;
    const host = listen?.slice(0, listen.lastIndexOf(":"));
    const port = Number(listen?.slice(listen.lastIndexOf(":") + 1));
    if (listen !== undefined && port !== ingress.port)
      breaches.push({ path: "ingress.port", message: `traffic goes to port ${ingress.port}, and ${sidecar.name} listens on ${listen}` });
    if (host === "127.0.0.1" || host === "localhost" || host === "[::1]") {
      breaches.push({
        path: `containers.${sidecar.name}.listens`,
        message: `${sidecar.name} listens on ${listen}, where no traffic from outside arrives`,
        fix: "listen on 0.0.0.0",
      });
    }
    return breaches;
  },
};
