import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Container, LIMITS, type PlatformTopology } from "../../topology/index.ts";
import { lookInto, Neighbour, type SeenProcess, type Sight, tryWrites } from "./look.ts";
import { type SidecarSecret, secretPlaces, sidecarSecrets } from "./secret-places.ts";
import type { LifecycleSubject } from "./subject.ts";
import { appOf, graphOf, sidecarOf, Trial } from "./trial.ts";

const START_MS = 240_000;
/** Where an image may let everybody write, and a platform without a read-only root cannot help it. */
const FOR_EVERYBODY = ["/tmp"];

/** The app is behind its sidecar, and neither of them can do or see more than the model says. */
export function describeIsolation(subject: LifecycleSubject): void {
  const graph = graphOf(subject);
  const sidecar = sidecarOf(graph);
  const app = appOf(graph);
  const containers = graph.containers.filter((one) => one.role !== "init");
  const held = (one: Container) => hardeningOf(subject, graph, one);
  // Where a platform has no read-only root, what an app can write is its own image's affair.
  const checked = containers.filter((one) => held(one).readOnlyRoot || one.role === "sidecar");

  describe("isolation", () => {
    let trial: Trial;
    let sights: ReadonlyMap<string, Sight>;
    let secrets: readonly SidecarSecret[];
    const sightOf = ({ name }: Container): Sight => {
      const sight = sights.get(name);
      if (sight === undefined) throw new RangeError(`nobody looked into ${name}`);
      return sight;
    };

    beforeAll(async () => {
      trial = await Trial.start(subject);
      sights = new Map(await Promise.all(containers.map(async (one) => [one.name, await lookInto(trial, one.name)] as const)));
      secrets = await sidecarSecrets(trial, sightOf(sidecar));
    }, START_MS);
    afterAll(async () => {
      await trial?.[Symbol.asyncDispose]();
    }, START_MS);

    it("another container on the network reaches the sidecar's port and no other", async () => {
      const { listening } = sightOf(app);
      const open = [...new Set(listening.filter(({ loopback }) => !loopback).map(({ port }) => port))];
      expect(open, "ports that are open to the network: let the app bind 127.0.0.1").toEqual([graph.ingress.port]);
      const hidden = new Set(listening.filter(({ loopback }) => loopback).map(({ port }) => port));
      // Refused because it is on loopback, not because nobody is there.
      for (const { port } of app.listens) expect([...hidden], `ports on loopback: the model's port ${port} of ${app.name}`).toContain(port);
      await using neighbour = await Neighbour.start(trial);
      for (const port of hidden) {
        expect(await neighbour.connect(port), `port ${port}`).toEqual({ status: null, text: expect.stringContaining("nothing listens") });
      }
      const health = sidecar.env.CHIO_HEALTH_PATH ?? "/chio/health";
      expect(await neighbour.get(graph.ingress.port, health)).toMatchObject({ status: 200 });
    });

    it("the sidecar sees its secrets, and the same look finds them nowhere else", async () => {
      expect(secrets.map(({ purpose }) => purpose)).toContain("signing-key");
      // What would be found in the app, if it were there: where it must be, it is found.
      for (const secret of secrets)
        expect(secretPlaces(sightOf(sidecar), secret.forms), `${secret.name} in ${sidecar.name}`).not.toEqual([]);
      for (const one of containers.filter(({ name }) => name !== sidecar.name)) {
        for (const secret of secrets.filter(({ sharedWith }) => !sharedWith.includes(one.name))) {
          expect(secretPlaces(sightOf(one), secret.forms), `${secret.name} in ${one.name}`).toEqual([]);
        }
        const facts = await (await trial.hand.container(one.name)).inspect();
        const said = JSON.stringify([facts.Config, facts.HostConfig, facts.Mounts]);
        for (const { name, forms, sharedWith } of secrets) {
          if (!sharedWith.includes(one.name))
            expect(
              forms.some((form) => said.includes(form)),
              `${name} in what starts ${one.name}`,
            ).toBe(false);
        }
      }
    });

    it("a key that is planted in the app is found", async () => {
      const signingKey = secrets.find(({ purpose }) => purpose === "signing-key");
      const planted = `${signingKey?.forms[0]}`;
      await using other = await Trial.start(subject, {
        env: { ...subject.env, [app.name]: { ...subject.env?.[app.name], CHIO_LIFECYCLE_PLANTED: planted } },
      });
      expect(secretPlaces(await lookInto(other, app.name), [planted])).toContain("environment of process 1");
    });

    it("no container sees another's processes", () => {
      const namespaces = containers.map((one) => sightOf(one).pidNamespace);
      expect(new Set(namespaces).size, namespaces.join(", ")).toBe(containers.length);
    });

    it.for(checked.map((one) => [one.name, one] as const))("%s cannot write to its root file system", async ([name, one]) => {
      const first = firstProcess(sightOf(one));
      const results = await tryWrites(trial, name, `${idOf(first, "Uid")}:${idOf(first, "Gid")}`);
      const written = Object.keys(results).filter((path) => results[path] === "written");
      if (held(one).readOnlyRoot) {
        expect(results["/"]).toBe("EROFS");
        expect(written).toEqual([]);
        expect(
          sightOf(one)
            .mounts.find(({ point }) => point === "/")
            ?.options.split(","),
        ).toContain("ro");
        // The engine itself, which is root, is refused too.
        await expect((await trial.hand.container(name)).putArchive(Buffer.alloc(1024), { path: "/" })).rejects.toThrow(/read-only/);
      } else {
        // The platform has no read-only root: what holds is that the image's files are root's.
        expect(written.filter((path) => !FOR_EVERYBODY.includes(path))).toEqual([]);
      }
    });

    it.for(containers.map((one) => [one.name, one] as const))(
      "%s runs as the modelled uid, with no capability left",
      async ([name, one]) => {
        const { user, capabilities } = held(one);
        const { Config, HostConfig } = await (await trial.hand.container(name)).inspect();
        const [uid, gid] = (user ?? Config.User).split(":");
        for (const process of sightOf(one).processes) {
          // Its program alone: arguments may hold what no log should.
          const what = `${name}: process ${process.pid}, ${process.command.split("\0")[0]}`;
          if (uid !== undefined && /^\d+$/.test(uid)) expect(ids(process, "Uid"), what).toEqual(new Set([uid]));
          if (gid !== undefined && /^\d+$/.test(gid)) expect(ids(process, "Gid"), what).toEqual(new Set([gid]));
          // Root has what the engine gives; only where the platform leaves the user to the image can that be.
          const isRoot = ids(process, "Uid").has("0");
          expect(isRoot && (user !== null || one.role === "sidecar"), `${what} runs as root`).toBe(false);
          if (!isRoot) for (const set of ["CapPrm", "CapEff", "CapAmb"]) expect(capabilityCount(process, set), `${what} ${set}`).toBe(0);
          if (capabilities !== null) expect(capabilityCount(process, "CapBnd"), `${what} CapBnd`).toBe(capabilities.add.length);
          expect(process.status.NoNewPrivs, what).toBe("1");
        }
        expect(HostConfig).toMatchObject({ Privileged: false, PidMode: "" });
      },
    );
  });
}

/** What holds of a container on this run: all of the model, or what the platform has a field for. */
function hardeningOf(subject: LifecycleSubject, { platform }: PlatformTopology, one: Container) {
  const { fields } = LIMITS[platform];
  const has = (field: keyof typeof fields) => subject.hardening !== "platform" || fields[field];
  return {
    user: has("user") ? one.user : null,
    readOnlyRoot: has("readOnlyRoot") && one.readOnlyRoot,
    capabilities: has("capabilities") ? one.capabilities : null,
  };
}

function firstProcess({ processes }: Sight): SeenProcess {
  const first = processes.find(({ pid }) => pid === 1);
  if (first === undefined) throw new Error("the container has no first process");
  return first;
}

/** Real, effective, saved and file system id, each once. */
function ids({ status }: SeenProcess, field: "Uid" | "Gid"): ReadonlySet<string> {
  return new Set(status[field]?.split("\t"));
}

const idOf = (process: SeenProcess, field: "Uid" | "Gid") => [...ids(process, field)][0] ?? "0";

function capabilityCount({ status }: SeenProcess, set: string): number {
  const bits = BigInt(`0x${status[set] ?? "0"}`).toString(2);
  return [...bits].filter((bit) => bit === "1").length;
}
