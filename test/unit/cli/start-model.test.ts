import { describe, expect, it } from "vitest";
import { systemdUnit } from "../../../infra/manifests/systemd.ts";
import { defineTopology, resolveFor } from "../../../infra/topology/index.ts";
import { PROPS } from "../topology/fixtures.ts";
import { runCli } from "./run-cli.ts";

// The deployment model writes these command lines; here they meet the program that is to understand them.
const graph = resolveFor(defineTopology({ ...PROPS, app: { ...PROPS.app, command: ["sh", "-c", "exit 3"], port: 1 } }), "aca");
const env = { PATH: "/usr/bin:/bin" };
/** The same with an end, and asking where nothing can listen. */
const soon = ([first = "", ...rest]: readonly string[]) => [
  first,
  "--timeout",
  "0.2",
  ...rest.map((word) => word.replace(/^(http:\/\/127\.0\.0\.1):9090\//, "$1:1/")),
];

describe("the start gate's command lines", () => {
  it("are taken by chio install", async () => {
    const init = graph.containers.find(({ role }) => role === "init");
    const { code, stderr } = await runCli([...(init?.args ?? [])]);
    // From source there is nothing to copy: that is what it says, and nothing about the flags.
    expect(stderr).toContain("install_not_a_program");
    expect(code).toBe(1);
  });

  it("are taken by chio wait", async () => {
    const app = graph.containers.find(({ role }) => role === "app");
    const [program, ...argv] = app?.entrypoint ?? [];
    expect(program).toBe(graph.startGate.kind === "wrapper" ? graph.startGate.program : "");
    expect(argv.slice(-4)).toEqual(["--", "sh", "-c", "exit 3"]);
    const { code, stderr } = await runCli(soon(argv), { env });
    expect(stderr).toContain("http://127.0.0.1:1/chio/health was not ready within 0.2 s");
    expect(code).toBe(1);
  });

  it("are taken where systemd waits for the sidecar", async () => {
    const unit = systemdUnit(
      defineTopology({
        ...PROPS,
        secrets: { signingKey: "file:/etc/chio/seed.hex" },
        config: { kind: "host", directory: "/etc/chio" },
      }),
    );
    const line = /^ExecStartPost=\/usr\/local\/bin\/chio (wait .*)$/m.exec(unit)?.[1] ?? "";
    const { code, stderr } = await runCli(soon(line.split(" ")), { env });
    expect(stderr).toContain("was not ready within 0.2 s");
    expect(code).toBe(1);
  });
});
