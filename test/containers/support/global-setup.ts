import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { getContainerRuntimeClient } from "testcontainers";
import { LABEL, removeLabelled } from "./labels.ts";

/** Names the run, for all its projects; at its end nothing that carries the name may be left. */
export default function setup(): () => Promise<void> {
  process.env.CHIO_TEST_RUN ??= randomBytes(6).toString("hex");
  const id = process.env.CHIO_TEST_RUN;
  const interrupted = () => removeNow(id);
  process.on("exit", interrupted);
  return async () => {
    process.off("exit", interrupted);
    const left = await removeLabelled((await getContainerRuntimeClient()).container.dockerode);
    if (left.length > 0) throw new Error(`tests left containers, volumes or networks behind (removed now): ${left.join(", ")}`);
  };
}

/** The way out when Vitest itself is ended early: nothing asynchronous runs any more. */
function removeNow(id: string): void {
  const filter = ["--filter", `label=${LABEL}=${id}`, "--quiet"];
  const lines = (args: string[]) => execFileSync("docker", args, { encoding: "utf8" }).split("\n").filter(Boolean);
  const containers = lines(["ps", "--all", ...filter]);
  if (containers.length > 0) execFileSync("docker", ["rm", "--force", "--volumes", ...containers]);
  const volumes = lines(["volume", "ls", ...filter]);
  if (volumes.length > 0) execFileSync("docker", ["volume", "rm", "--force", ...volumes]);
  const networks = lines(["network", "ls", ...filter]);
  if (networks.length > 0) execFileSync("docker", ["network", "rm", ...networks]);
}
