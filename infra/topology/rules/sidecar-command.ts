import { ALL, at, type Breach, type Rule, theSidecar } from "./rule.ts";

/** Flags that the kit derives. A second one later in the line would win. */
const DERIVED = ["--listen", "--upstream", "--spec", "--policy", "--server-id", "--health-path", "--shutdown-drain-ms"];
/** Flags that take a protection away. */
const WEAKENING = ["--allow-root", "--allow-ephemeral-receipts"];

export const sidecarCommand: Rule = {
  code: "CHIO-SIDECAR-COMMAND",
  title: "The sidecar is not started as it must be",
  severity: "error",
  why: "Without arguments the image prints its help and exits. With another entrypoint it runs without tini, or runs something else.",
  fix: "keep the image's ENTRYPOINT, and set the arguments through apiProtect or mcpServeHttp",
  platforms: ALL,
  invariants: ["INV-9"],
  traps: [1],
  check(topology) {
    const sidecar = theSidecar(topology);
    if (sidecar === null) return [];
    const breaches: Breach[] = [];
    if (sidecar.entrypoint !== null)
      breaches.push({ path: at(sidecar, "entrypoint"), message: `the entrypoint of ${sidecar.name}'s image is replaced` });
    const args = sidecar.args ?? [];
    const mode = topology.mode.kind === "api-protect" ? "api protect" : "mcp serve-http";
    if (args.length === 0)
      return [...breaches, { path: at(sidecar, "args"), message: `${sidecar.name} has no arguments, and so prints its help and exits` }];
    if (args.slice(0, 2).join(" ") !== mode)
      breaches.push({
        path: at(sidecar, "args"),
        message: `${sidecar.name} is started with ${JSON.stringify(args.slice(0, 2).join(" "))}, not with "${mode}"`,
      });
    const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
    for (const flag of DERIVED) {
      const count = own.filter((arg) => arg === flag || arg.startsWith(`${flag}=`)).length;
      if (count > 1) breaches.push({ path: at(sidecar, "args"), message: `${flag} is given ${count} times` });
    }
    for (const flag of WEAKENING) {
      if (own.some((arg) => arg === flag || arg.startsWith(`${flag}=`)))
        breaches.push({ path: at(sidecar, "args"), message: `${sidecar.name} is started with ${flag}` });
    }
    return breaches;
  },
};
