import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type StartedTestContainer, Wait } from "testcontainers";
import { encodeBearer } from "../../../sidecar/wire/bearer.ts";
import { CAPABILITY_SCHEMA, issueCapability } from "../../../sidecar/wire/capability.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { containerLog } from "./container-log.ts";
import { engine, runToEnd } from "./engine.ts";
import { FirstAnswer } from "./first-answer.ts";
import { HardenedContainer } from "./hardened-container.ts";
import { APP_IMAGE, type ImageUnderTest } from "./images.ts";

const FIXTURES = fileURLToPath(new URL("../../fixtures/", import.meta.url));
/** The app's folder: server, OpenAPI document, policy. */
export const APP_FIXTURE = `${FIXTURES}app`;
export const STATE = "/var/lib/chio";
export const RECEIPT_DB = `${STATE}/receipts.sqlite`;
export const PROTECT = ["api", "protect"] as const;

/** The files that the image's ENV and kernel.yaml name, as `source:target:ro`. */
export const CONFIG_BINDS = [
  `${FIXTURES}containers/kernel.yaml:/etc/chio/kernel.yaml:ro`,
  `${FIXTURES}app/openapi.yaml:/etc/chio/openapi.yaml:ro`,
  `${FIXTURES}app/policy.yaml:/etc/chio/policy.yaml:ro`,
] as const;

export interface SidecarOptions {
  volume: string;
  seed: string;
  env?: Record<string, string>;
}

/** The sidecar in its image, hardened, ready. */
export async function startSidecar(image: ImageUnderTest, { volume, seed, env = {} }: SidecarOptions): Promise<RunningSidecar> {
  const firstAnswer = new FirstAnswer();
  const container = await new HardenedContainer(image.tag)
    .withCommand([...PROTECT])
    .withEnvironment({ CHIO_SIGNING_KEY: seed, ...env })
    .withBindMounts([...CONFIG_BINDS, `${volume}:${STATE}`].map(parseBind))
    .withExposedPorts(9090)
    .withWaitStrategy(firstAnswer)
    .start();
  return new RunningSidecar(container, firstAnswer.at);
}

export class RunningSidecar {
  readonly container: StartedTestContainer;
  readonly url: string;
  /** Unix milliseconds of the first 200 from the health endpoint. */
  readonly firstAnswerAt: number;

  constructor(container: StartedTestContainer, firstAnswerAt: number) {
    this.container = container;
    this.firstAnswerAt = firstAnswerAt;
    this.url = `http://${container.getHost()}:${container.getMappedPort(9090)}`;
  }

  get id(): string {
    return this.container.getId();
  }

  /** Waits for a verdict of the image's own HEALTHCHECK. */
  async becomes(status: "healthy" | "unhealthy", timeoutMs: number): Promise<void> {
    let last: unknown;
    for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(250)) {
      const { State } = await (await engine()).getContainer(this.id).inspect();
      if (State.Health?.Status === status) return;
      last = State.Health;
    }
    throw new Error(`not ${status} after ${timeoutMs} ms: ${JSON.stringify(last)}`);
  }

  async signal(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await (await engine()).getContainer(this.id).kill({ signal });
  }

  /** Exit code, once it has ended. */
  async ended(): Promise<number> {
    const { StatusCode } = (await (await engine()).getContainer(this.id).wait()) as { StatusCode: number };
    return StatusCode;
  }

  async log(): Promise<string> {
    return await containerLog(this.id);
  }
}

/** The app in the sidecar's network namespace, on loopback, as a platform runs it beside its sidecar. */
export async function startApp(sidecar: RunningSidecar): Promise<StartedTestContainer> {
  return await new HardenedContainer(APP_IMAGE)
    .withEntrypoint(["node", "/app/server.mjs"])
    .withUser("1000:1000")
    .withBindMounts([{ source: `${FIXTURES}app`, target: "/app", mode: "ro" }])
    .withNetworkMode(`container:${sidecar.id}`)
    .withWaitStrategy(Wait.forLogMessage(/listening/))
    .withStartupTimeout(30_000)
    .start();
}

/** Calls that reached the app, by method and path. */
export async function appCalls(app: StartedTestContainer): Promise<Record<string, number>> {
  const script = 'fetch("http://127.0.0.1:8080/calls").then((answer) => answer.text()).then((text) => process.stdout.write(text))';
  const { output, exitCode } = await app.exec(["node", "-e", script]);
  if (exitCode !== 0) throw new Error(output);
  return JSON.parse(output) as Record<string, number>;
}

/** A container that watches port 9090 of the namespace it owns. */
export async function startProbe(): Promise<StartedTestContainer> {
  return await new HardenedContainer(APP_IMAGE)
    .withEntrypoint(["node", "/probe.mjs"])
    .withUser("1000:1000")
    .withBindMounts([{ source: `${FIXTURES}containers/probe.mjs`, target: "/probe.mjs", mode: "ro" }])
    .withWaitStrategy(Wait.forLogMessage(/watching/))
    .withStartupTimeout(30_000)
    .start();
}

export function newSeed(): { seed: string; keypair: Keypair } {
  const keypair = Keypair.generate();
  return { seed: Buffer.from(keypair.exportSeed()).toString("hex"), keypair };
}

/** A bearer token for every route, signed by the sidecar's own key. */
export function everyRoute(issuer: Keypair): string {
  const now = Math.floor(Date.now() / 1000);
  const token = issueCapability(
    {
      schema: CAPABILITY_SCHEMA,
      id: `cap-test-${now}`,
      issuer: issuer.publicKeyHex,
      subject: Keypair.generate().publicKeyHex,
      scope: { grants: [{ server_id: "http", tool_name: "*", operations: ["invoke"] }] },
      issued_at: now - 5,
      expires_at: now + 3600,
    },
    issuer,
  );
  return encodeBearer(token);
}

/** `chio …` in the image, on the state volume. */
export async function chio(image: ImageUnderTest, volume: string, ...command: string[]) {
  return await runToEnd(image.tag, { command, binds: [`${volume}:${STATE}`] });
}

function parseBind(bind: string): { source: string; target: string; mode: "ro" | "rw" } {
  const [source = "", target = "", mode] = bind.split(":");
  return { source, target, mode: mode === "ro" ? "ro" : "rw" };
}
