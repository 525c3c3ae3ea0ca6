import { at, type Breach, type Rule } from "./rule.ts";

export const startGate: Rule = {
  code: "CHIO-START-GATE",
  title: "The start gate cannot work",
  severity: "error",
  why: "The app's process is started through a program that waits for the sidecar. If that program is not there, or cannot run in the app's image, the app never starts.",
  fix: "give app.command (the program that the app's image starts) and app.libc, or set aca.startGate to false",
  platforms: ["aca"],
  invariants: ["INV-1"],
  traps: [],
  check(topology) {
    const gate = topology.startGate;
    if (gate.kind !== "wrapper") return [];
    const breaches: Breach[] = [];
    const init = topology.containers.find((one) => one.name === gate.container);
    const app = topology.containers.find((one) => one.role === "app");
    if (init === undefined || init.role !== "init")
      breaches.push({ path: "startGate.container", message: `there is no init container "${gate.container}" to bring ${gate.program}` });
    if (app === undefined) return breaches;
    const [program, ...rest] = app.entrypoint ?? [];
    if (program !== gate.program)
      breaches.push({ path: at(app, "entrypoint"), message: `${app.name} is not started through ${gate.program}` });
    else if (rest.length === 0 || rest.at(-1) === "--")
      breaches.push({
        path: at(app, "entrypoint"),
        message: `nothing follows the wait: the kit does not know what ${app.name} should run`,
      });
    const shared = init?.mounts.find((mount) => gate.program.startsWith(`${mount.path}/`))?.volume;
    if (init !== undefined && !app.mounts.some((mount) => mount.volume === shared && gate.program.startsWith(`${mount.path}/`))) {
      breaches.push({
        path: at(app, "mounts"),
        message: `${app.name} does not mount the volume in which ${gate.container} leaves ${gate.program}`,
      });
    }
    if (gate.programLibc !== gate.appLibc) {
      breaches.push({
        path: "startGate.programLibc",
        message: `the gate's program needs ${gate.programLibc}, and the app's image has ${gate.appLibc === "none" ? "no libc" : gate.appLibc}`,
        fix:
          gate.appLibc === "none"
            ? "set aca.startGate to false: such an image runs no other program"
            : `use the ${gate.appLibc === "musl" ? "alpine" : "distroless"} sidecar image, or set aca.startGate to false`,
      });
    }
    return breaches;
  },
};
