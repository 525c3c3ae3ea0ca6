import { ALL, at, beside, type Rule } from "./rule.ts";

export const appBind: Rule = {
  code: "CHIO-APP-BIND",
  title: "The app listens on more than loopback",
  severity: "warning",
  why: "Then only the platform's network rules keep callers from it. On loopback nobody outside the replica can reach it, whatever those rules say.",
  fix: "bind the app to 127.0.0.1",
  platforms: ALL,
  invariants: ["INV-2"],
  traps: [],
  check(topology) {
    return beside(topology).flatMap((one) =>
      one.listens
        .filter(({ host }) => !["127.0.0.1", "localhost", "::1"].includes(host))
        .map(({ host, port }, index) => ({ path: at(one, `listens[${index}].host`), message: `${one.name} listens on ${host}:${port}` })),
    );
  },
};
