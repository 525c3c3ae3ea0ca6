import { isDeferred } from "../deferred.ts";
import { ALL, type Rule, theSidecar } from "./rule.ts";

export const upstream: Rule = {
  code: "CHIO-UPSTREAM",
  title: "The upstream is not the app on loopback",
  severity: "error",
  why: "Decided requests would leave the replica unencrypted, reach an app that others reach too, or come back to the sidecar for ever.",
  fix: "use http://127.0.0.1 with the app's port, and a port that is not the sidecar's",
  platforms: ALL,
  invariants: [],
  traps: [5],
  check(topology) {
    if (topology.mode.kind !== "api-protect" || isDeferred(topology.mode.upstream)) return [];
    const path = "mode.upstream";
    const text = topology.mode.upstream;
    if (!URL.canParse(text)) return [{ path, message: `the upstream ${JSON.stringify(text)} is not a URL` }];
    const url = new URL(text);
    if (url.protocol !== "http:")
      return [{ path, message: `the upstream ${text} is not http:; TLS within a replica protects nothing and has no certificate` }];
    if (!["127.0.0.1", "localhost", "[::1]"].includes(url.hostname)) return [{ path, message: `the upstream ${text} is not on loopback` }];
    if (url.pathname !== "/" || url.search !== "" || url.username !== "")
      return [{ path, message: `the upstream ${text} has more than host and port` }];
    const port = url.port === "" ? 80 : Number(url.port);
    if (theSidecar(topology)?.listens.some((listen) => listen.port === port))
      return [{ path, message: `the upstream ${text} is the sidecar itself` }];
    const app = topology.containers.find((one) => one.role === "app");
    if (app !== undefined && !app.listens.some((listen) => listen.port === port))
      return [{ path, message: `the upstream ${text} is no port that ${app.name} listens on` }];
    return [];
  },
};
