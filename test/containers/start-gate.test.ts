import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { containerLog } from "./support/container-log.ts";
import { cleanUpAfterEach, createVolume, engine, HARDENED, labels, runToEnd } from "./support/engine.ts";
import { APP_IMAGE, IMAGES, type ImageUnderTest } from "./support/images.ts";
import { logLines } from "./support/log.ts";
import { CONFIG_BINDS, newSeed, PROTECT, STATE } from "./support/sidecar.ts";

cleanUpAfterEach();

/** Where the model puts it. */
const FOLDER = "/opt/chio";
const PROGRAM = `${FOLDER}/chio`;
const HEALTH = "http://127.0.0.1:9090/chio/health";
const APP_USER = "1000:1000";
/** Says when it started, answers SIGTERM with an exit code of its own, as a shell that is process 1. */
const APP = ["/bin/sh", "-c", 'trap "echo stopping; exit 7" TERM; echo "started as $$ by uid $(id -u)"; while :; do sleep 0.1; done'];

/** An image in which the program of this one runs, and one in which it does not: another C library. */
const HOMES: Record<ImageUnderTest["name"], { libc: string; home: string; foreign: string | null }> = {
  distroless: { libc: "glibc", home: APP_IMAGE, foreign: IMAGES.find(({ name }) => name === "sidecar")?.tag ?? null },
  sidecar: { libc: "musl", home: IMAGES.find(({ name }) => name === "sidecar")?.tag ?? "", foreign: APP_IMAGE },
};

/** A volume that everybody may write, as an EmptyDir of Kubernetes is, or as Docker makes it: root's. */
async function sharedVolume(mode: "0777" | "1777" | "as it is"): Promise<string> {
  const volume = await createVolume();
  const script = mode === "as it is" ? "" : `require("fs").chmodSync("${FOLDER}", 0o${mode})`;
  const made = await runToEnd(APP_IMAGE, { entrypoint: ["node", "-e", script], user: "0:0", binds: [`${volume}:${FOLDER}`] });
  expect(made).toEqual({ code: 0, output: "" });
  return volume;
}

const install = (image: ImageUnderTest, volume: string) =>
  runToEnd(image.tag, { command: ["install", "--to", PROGRAM], binds: [`${volume}:${FOLDER}`] });

interface Spec {
  image: string;
  network: string;
  entrypoint?: readonly string[];
  command?: readonly string[];
  user?: string;
  binds?: readonly string[];
  env?: readonly string[];
}

/** Starts a container under the hardening that every platform can give; throws what the engine says when it does not start. */
async function start(spec: Spec): Promise<Running> {
  const container = await (await engine()).createContainer({
    Image: spec.image,
    Labels: labels(),
    ...(spec.entrypoint ? { Entrypoint: [...spec.entrypoint] } : {}),
    Cmd: [...(spec.command ?? [])],
    ...(spec.user ? { User: spec.user } : {}),
    Env: [...(spec.env ?? [])],
    HostConfig: {
      ReadonlyRootfs: HARDENED.ReadonlyRootfs,
      CapDrop: [...HARDENED.CapDrop],
      SecurityOpt: [...HARDENED.SecurityOpt],
      NetworkMode: spec.network,
      Binds: [...(spec.binds ?? [])],
    },
  });
  await container.start();
  return new Running(container.id);
}

class Running {
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }

  log(): Promise<string> {
    return containerLog(this.id);
  }

  async said(text: string): Promise<void> {
    for (const deadline = Date.now() + 30_000; !(await this.log()).includes(text); await sleep(50)) {
      const { State } = await (await engine()).getContainer(this.id).inspect();
      if (!State.Running || Date.now() > deadline)
        throw new Error(`${State.Running ? "" : `ended with ${State.ExitCode} and `}did not say ${text}:\n${await this.log()}`);
    }
  }

  async signal(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await (await engine()).getContainer(this.id).kill({ signal });
  }

  async ended(): Promise<number> {
    return ((await (await engine()).getContainer(this.id).wait()) as { StatusCode: number }).StatusCode;
  }
}

/** The network that the containers of one replica share, before any of them runs. */
const replica = async () => `container:${(await start({ image: APP_IMAGE, network: "none", entrypoint: ["sleep", "600"] })).id}`;

const app = (image: ImageUnderTest, volume: string, network: string, command: readonly string[] = APP, flags: readonly string[] = []) =>
  start({
    image: HOMES[image.name].home,
    network,
    user: APP_USER,
    entrypoint: [PROGRAM, "wait", "--for", HEALTH, ...flags, "--", ...command],
    binds: [`${volume}:${FOLDER}:ro`],
  });

const sidecar = async (image: ImageUnderTest, network: string) =>
  start({
    image: image.tag,
    network,
    command: PROTECT,
    binds: [...CONFIG_BINDS, `${await createVolume()}:${STATE}`],
    env: [`CHIO_SIGNING_KEY=${newSeed().seed}`],
  });

describe.each(IMAGES)("image $name: start gate", (image) => {
  it("installs into a volume as its uid on a read-only root, and again", async () => {
    for (const mode of ["0777", "1777"] as const) {
      const volume = await sharedVolume(mode);
      const first = await install(image, volume);
      expect(first, first.output).toMatchObject({ code: 0 });
      expect(first.output).toMatch(
        new RegExp(`^/opt/chio/chio installed; it starts in images with ${HOMES[image.name].libc} \\(/lib\\S+\\)\n$`),
      );
      expect(await install(image, volume)).toMatchObject({ code: 0, output: expect.stringContaining("is already this program") });
    }
  });

  it("says whose volume it may not write", async () => {
    const { code, output } = await install(image, await sharedVolume("as it is"));
    expect(output).toContain(`error: uid ${image.uid} may not write ${PROGRAM} (install_target_unusable)`);
    expect(code).toBe(1);
  });

  it("starts the app of another image once the sidecar is healthy, and is gone for its signals and exit code", async () => {
    const volume = await sharedVolume("0777");
    expect(await install(image, volume)).toMatchObject({ code: 0 });
    const network = await replica();
    const running = await app(image, volume, network);
    await running.said("refused the connection");
    const before = Date.now();
    const kernel = await sidecar(image, network);
    await running.said("started as");
    const log = await running.log();
    expect(log).toContain("started as 1 by uid 1000");
    expect(log.indexOf("is ready")).toBeLessThan(log.indexOf("started as"));
    const listening = logLines(await kernel.log()).find(({ message }) => message === "listening");
    expect(Date.parse(String(listening?.time))).toBeGreaterThanOrEqual(before);
    await running.signal("SIGTERM");
    expect(await running.ended()).toBe(7);
    expect(await running.log()).toContain("stopping");
    const failing = await app(image, volume, network, ["/bin/sh", "-c", "exit 3"]);
    expect(await failing.ended()).toBe(3);
  });

  it("starts nothing without a healthy sidecar: not in time, and not on SIGTERM", async () => {
    const volume = await sharedVolume("0777");
    expect(await install(image, volume)).toMatchObject({ code: 0 });
    const network = await replica();
    const impatient = await app(image, volume, network, APP, ["--timeout", "1"]);
    expect(await impatient.ended()).toBe(1);
    expect(await impatient.log()).toContain("wait_timed_out");
    const stopped = await app(image, volume, network);
    await stopped.said("waiting for");
    await stopped.signal("SIGTERM");
    expect(await stopped.ended()).toBe(143);
    for (const one of [impatient, stopped]) expect(await one.log()).not.toContain("started as");
  });

  it.runIf(HOMES[image.name].foreign !== null)("does not start in an image with another C library", async () => {
    const volume = await sharedVolume("0777");
    expect(await install(image, volume)).toMatchObject({ code: 0 });
    const entrypoint = [PROGRAM, "wait", "--for", HEALTH, "--", ...APP];
    const spec = { image: HOMES[image.name].foreign!, network: "none", entrypoint, binds: [`${volume}:${FOLDER}:ro`] };
    // Some engines say so when asked to start, others in the container's log.
    const said = await start(spec).then(
      async (running) => `${(await running.ended()) === 0 ? "exit 0 " : ""}${await running.log()}`,
      (error: Error) => error.message,
    );
    expect(said).toMatch(/^(?!exit 0).*no such file or directory/);
    expect(said).not.toContain("started as");
  });
});
