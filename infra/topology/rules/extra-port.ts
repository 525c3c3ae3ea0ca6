import { ALL, at, others, type Rule, theSidecar } from "./rule.ts";

export const extraPort: Rule = {
  code: "CHIO-EXTRA-PORT",
  title: "A second port is announced",
  severity: "error",
  why: "A port of the app beside the sidecar's is a way around the kernel, for some platforms the only one they then use.",
  fix: "announce the sidecar's port alone; what runs beside it is reached on loopback",
  platforms: ALL,
  invariants: ["INV-2"],
  traps: [4],
  check(topology) {
    const sidecar = theSidecar(topology);
    return [
      ...others(topology).flatMap((one) =>
        one.ports.map((port, index) => ({ path: at(one, `ports[${index}]`), message: `${one.name} announces port ${port}` })),
      ),
      ...(sidecar?.ports.slice(1) ?? []).map((port, index) => ({
        path: `containers.${sidecar?.name}.ports[${index + 1}]`,
        message: `${sidecar?.name} announces a second port, ${port}`,
      })),
      ...topology.ingress.additionalPorts.map((port, index) => ({
        path: `ingress.additionalPorts[${index}]`,
        message: `the ingress maps port ${port} too`,
      })),
    ];
  },
};
