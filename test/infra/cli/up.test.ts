import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { inFlags } from "../../../infra/cli/up/in-flags.ts";
import { gatherInputs, type InputFlags } from "../../../infra/cli/up/inputs.ts";
import { logFormatter } from "../../../infra/cli/up/log-lines.ts";
import { curlLine, readyMadeCapability, sampleRequest } from "../../../infra/cli/up/try-it.ts";
import { whatWasLost } from "../../../infra/cli/up/verdict.ts";
import { checkOptions } from "../../../infra/local/options.ts";
import { gatherMaterials } from "../../../infra/local/plan/materials.ts";
import { loadTopologyFile } from "../../../infra/manifests/index.ts";
import { type Platform, type PlatformTopology, resolveFor } from "../../../infra/topology/index.ts";
import { decodeBearer } from "../../../sidecar/wire/bearer.ts";
import { inspectCapability, parseCapability } from "../../../sidecar/wire/capability.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { SMOOTH, written } from "../../unit/timeline/timelines.ts";
import { runKit, SERVICE, scratch } from "./run-kit.ts";

const SEED = "ab".repeat(32);
const graphOf = (platform: Platform, text = SERVICE): PlatformTopology => resolveFor(loadTopologyFile(text, "service.yaml"), platform);

function project(files: Record<string, string> = {}, text = SERVICE): string {
  const directory = scratch();
  for (const [path, content] of Object.entries({ "service.yaml": text, ...files })) {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  return join(directory, "service.yaml");
}
function inputs(platform: Platform, path: string, flags: InputFlags = {}, env: NodeJS.ProcessEnv = {}, text = SERVICE) {
  return gatherInputs(graphOf(platform, text), path, flags, env);
}
const REMOTE =
  `${SERVICE}receipts: { sink: dynamodb://chio-receipts }\npolicySource: { byPlatform: { ecs: "s3://team/a/policy.yaml" } }\n`.replace(
    ", policy: /etc/chio/policy.yaml",
    "",
  );
const TWO = SERVICE.replace(
  "secrets:\n",
  "secrets:\n  controlToken: { byPlatform: { ecs: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:chio/token', default: env:TOKEN } }\n",
);

describe("secrets of a run", () => {
  it("makes the signing key where the cloud has it, another for each run, and says so", () => {
    const path = project();
    const first = inputs("ecs", path);
    expect(first.options.secrets?.["chio-signing-key"]).toMatch(/^[0-9a-f]{64}$/);
    expect(first.signingSeed).toBe(first.options.secrets?.["chio-signing-key"]);
    expect(inputs("ecs", path).signingSeed).not.toBe(first.signingSeed);
    expect(first.notes.join()).toContain("made for this run");
    expect(first.notes.join()).not.toContain(first.signingSeed);
  });

  it.each([
    ["--key", (seed: string): InputFlags => ({ key: seed })],
    ["--secret by its name", (seed: string): InputFlags => ({ secret: new Map([["chio-signing-key", { kind: "file", path: seed }]]) })],
    [
      "--secret by its variable",
      (): InputFlags => ({ secret: new Map([["CHIO_SIGNING_KEY", { kind: "environment", variable: "SEED" }]]) }),
    ],
  ])("takes the signing key from %s", (_, flags) => {
    const path = project({ "seed.hex": SEED });
    const { signingSeed, notes } = inputs("ecs", path, flags(join(path, "..", "seed.hex")), { SEED });
    expect(signingSeed).toBe(SEED);
    expect(notes).toEqual([]);
  });

  it("takes what the topology names on this machine, beside the service.yaml", () => {
    const text = SERVICE.replace("file:/run/secrets/signing-seed.hex", "file:keys/seed.hex");
    expect(inputs("local", project({ "keys/seed.hex": SEED }, text), {}, {}, text).signingSeed).toBe(SEED);
  });

  it("names every secret that has no value, and the flags", () => {
    expect(() => inputs("ecs", project({}, TWO), {}, {}, TWO)).toThrow(
      expect.objectContaining({
        code: "secret_missing",
        message: expect.stringContaining("CHIO_SIDECAR_CONTROL_TOKEN"),
        fix: expect.stringMatching(/--secret \S+=@FILE/),
      }),
    );
    expect(inputs("cloud-run", project({}, TWO), {}, { TOKEN: "t" }, TWO).options.secrets).toMatchObject({
      "chio-sidecar-control-token": "t",
    });
  });

  it("refuses a secret that the topology does not have, and a variable that is not set", () => {
    const secret = (name: string, variable: string): InputFlags => ({ secret: new Map([[name, { kind: "environment", variable }]]) });
    expect(() => inputs("ecs", project(), secret("signing-key", "SEED"), { SEED })).toThrow(/no secret "signing-key"/);
    expect(() => inputs("ecs", project(), secret("chio-signing-key", "NOT_SET"))).toThrow(/NOT_SET.*is not set/);
  });
});

describe("files of a run", () => {
  it("come from config beside the service.yaml, or from beside it", () => {
    const nested = inputs("ecs", project({ "config/openapi.yaml": "openapi: nested", "policy.yaml": "beside" }));
    expect(Buffer.from(nested.options.files?.["/etc/chio/openapi.yaml"] ?? "").toString()).toBe("openapi: nested");
    expect(Buffer.from(nested.options.files?.["/etc/chio/policy.yaml"] ?? "").toString()).toBe("beside");
    expect(nested.spec).toBe("openapi: nested");
  });

  it("stand for what would be fetched, and --file wins", () => {
    const path = project({ "policy.yaml": "mine", "other.yaml": "other" }, REMOTE);
    expect(inputs("ecs", path, {}, {}, REMOTE).options.files).toHaveProperty(["s3://team/a/policy.yaml"]);
    const file = new Map([["s3://team/a/policy.yaml", join(path, "..", "other.yaml")]]);
    expect(Buffer.from(inputs("ecs", path, { file }, {}, REMOTE).options.files?.["s3://team/a/policy.yaml"] ?? "").toString()).toBe(
      "other",
    );
  });

  it("come from --config alone where it is given", () => {
    const path = project({ "config/openapi.yaml": "not this", "elsewhere/openapi.yaml": "this" });
    expect(inputs("ecs", path, { config: join(path, "..", "elsewhere") }).spec).toBe("this");
  });
});

describe("receipts of a run", () => {
  it("stay on this machine, unless a variable says otherwise", () => {
    const path = project({}, REMOTE);
    expect(inputs("ecs", path, {}, {}, REMOTE)).toMatchObject({
      options: { env: { "chio-sidecar": { CHIO_RECEIPT_SINK: "stdout", CHIO_RECEIPT_ACKNOWLEDGE: "ledger" } } },
      notes: expect.arrayContaining([expect.stringContaining("do not go to dynamodb")]),
    });
    const env = new Map([["chio-sidecar", { CHIO_RECEIPT_SINK: "https://sink.test" }]]);
    expect(inputs("ecs", path, { env }, {}, REMOTE).options.env).toEqual({ "chio-sidecar": { CHIO_RECEIPT_SINK: "https://sink.test" } });
    expect(inputs("ecs", project()).options.env).toEqual({});
  });
});

describe("the ready-made capability and curl line", () => {
  it("is signed by the sidecar's key, valid now, for every route", () => {
    const now = Date.parse("2026-05-04T10:00:00Z");
    const { bearer } = readyMadeCapability(graphOf("ecs"), SEED, now);
    const token = parseCapability(decodeBearer(bearer) ?? "");
    const report = inspectCapability(token, { at: now / 1000, trustedIssuers: [Keypair.fromSeedHex(SEED).publicKeyHex] });
    expect(report).toMatchObject({ ok: true, issuer_trusted: true });
    expect(token.scope.grants).toEqual([{ server_id: "http", tool_name: "*", operations: ["invoke"] }]);
  });

  const spec = (paths: string) => `openapi: 3.1.0\npaths:\n${paths}`;
  const GET = "{ get: { responses: {} } }";
  it.each([
    ["a route that needs a capability", spec(`  /healthz: { get: { x-chio-sensitivity: public } }\n  /notes: ${GET}\n`), "/notes"],
    ["one without parameters", spec(`  /notes/{id}: ${GET}\n  /notes: ${GET}\n`), "/notes"],
    ["one with a parameter filled in", spec(`  /notes/{id}: ${GET}\n  /a: { post: {} }\n`), "/notes/1"],
    [
      "one without a required query",
      spec(`  /find: { get: { parameters: [{ in: query, name: q, required: true }] } }\n  /n/{id}: ${GET}\n`),
      "/n/1",
    ],
    ["the root where there is none", spec("  /a: { post: {} }\n"), "/"],
    ["the root where the document is broken", "{", "/"],
    ["the root where there is no document", null, "/"],
  ])("asks for %s", (_, text, path) => expect(sampleRequest(graphOf("ecs"), text)).toMatchObject({ method: "GET", path }));

  it("is one line that a shell takes apart as it was meant", () => {
    const line = curlLine("http://127.0.0.1:1", { method: "POST", path: "/it's?a=1&b=$HOME", body: '{"tool":"echo"}' }, "abc");
    const { stdout } = spawnSync("sh", ["-c", `curl() { printf '%s\\n' "$@"; }; ${line}`], { encoding: "utf8" });
    expect(stdout.trimEnd().split("\n")).toEqual([
      "-i",
      "-X",
      "POST",
      "-H",
      "Authorization: Bearer abc",
      "-H",
      "Content-Type: application/json",
      "-H",
      "Accept: application/json, text/event-stream",
      "-d",
      '{"tool":"echo"}',
      "http://127.0.0.1:1/it's?a=1&b=$HOME",
    ]);
  });
});

describe("logs", () => {
  const line = (container: string, text: string) => ({ at: 1, replica: "r1", container, stream: "stdout" as const, text });
  const plain = logFormatter(graphOf("ecs"), () => 1, { colour: false, raw: false });

  it("stand behind the container's name; the sidecar's JSON is put in words", () => {
    expect(plain(line("app", "  hello"))).toBe("app          │   hello");
    expect(plain(line("chio-sidecar", '{"severity":"INFO","time":"x","message":"listening","address":"0.0.0.0:9090","n":[1]}'))).toBe(
      "chio-sidecar │ info listening address=0.0.0.0:9090 n=[1]",
    );
    const receipt = { id: "1a4d166fd617abff", route_pattern: "/notes/{id}", method: "GET", response_status: 403 };
    expect(plain(line("chio-sidecar", JSON.stringify({ event: "receipt", verdict: "deny", severity: "WARNING", receipt })))).toBe(
      "chio-sidecar │ receipt 1a4d166fd617… deny GET /notes/{id} 403",
    );
    expect(plain(line("chio-sidecar", '{"broken'))).toBe('chio-sidecar │ {"broken');
  });

  it("are as they were with --raw-logs, and name the replica where there are several", () => {
    const raw = logFormatter(graphOf("ecs"), () => 2, { colour: false, raw: true });
    expect(raw(line("chio-sidecar", '{"severity":"INFO","message":"m"}'))).toBe('r1 chio-sidecar │ {"severity":"INFO","message":"m"}');
  });

  it("have a colour each when asked, and no escape of a program's", () => {
    const coloured = logFormatter(graphOf("ecs"), () => 1, { colour: true, raw: false });
    const prefix = (container: string) => coloured(line(container, "x")).split(" ")[0];
    expect(prefix("app")).not.toBe(prefix("chio-sidecar"));
    expect(plain(line("app", "\u001b]0;title\u0007\u001b[2Jgone"))).not.toMatch(/[\u001b\u0007]/);
  });
});

describe("whether something was lost", () => {
  const graph = graphOf("ecs");
  const ended = (exitCode: number, drained: boolean) =>
    written("t", "ecs", (at) => {
      at(1, "r1/chio-sidecar", "started");
      if (drained) at(2, "r1/chio-sidecar", "drained", { receipts: 1 });
      at(3, "r1/chio-sidecar", "exited", { exitCode });
    });
  it("is no where every sidecar drained and ended with 0", () => {
    expect(whatWasLost(graph, SMOOTH)).toEqual([]);
    expect(whatWasLost(graph, ended(0, true))).toEqual([]);
  });
  it("is yes where one was killed, did not drain, or still runs", () => {
    expect(whatWasLost(graph, ended(137, false))).toEqual(["r1/chio-sidecar ended with 137"]);
    expect(whatWasLost(graph, ended(0, false))).toEqual(["r1/chio-sidecar ended without saying that it had drained"]);
    expect(
      whatWasLost(
        graph,
        written("t", "ecs", (at) => at(1, "r1/chio-sidecar", "started")),
      ),
    ).toEqual(["r1/chio-sidecar has not ended"]);
  });
});

describe("the library's errors, in flags", () => {
  it("name no option of the library", () => {
    const thrown = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        return inFlags(error as Parameters<typeof inFlags>[0]);
      }
      throw new Error("nothing was thrown");
    };
    const text = `${SERVICE.replace("default: { kind: image }", "cloud-run: { kind: secret-files, files: [{ path: /etc/chio/openapi.yaml, ref: secrets/spec/versions/1 }, { path: /etc/chio/p/policy.yaml, ref: secrets/p/versions/1 }] }\n    default: { kind: image }")}`;
    const missing = thrown(() => gatherMaterials(graphOf("cloud-run", text), {}, {}));
    expect(missing.message).toContain("--secret chio-signing-key=@FILE");
    expect(missing.message).toContain("with --config, or as --file /etc/chio/openapi.yaml=FILE");
    const unknown = thrown(() => checkOptions(graphOf("ecs"), { platform: "ecs", images: { web: "x" } }));
    expect(unknown.message).toMatch(/^--image web: the topology has no such container/);
    for (const { message, fix = "" } of [missing, unknown]) expect(message + fix).not.toMatch(/configDirectory|hostPort|: \{ "/);
  });
});

describe("chio-kit up", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("says that no Docker engine answers, and what to do", async () => {
    vi.stubEnv("DOCKER_HOST", "tcp://127.0.0.1:1");
    const { code, stderr } = await runKit(["up", "--platform", "ecs", project()]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: no Docker engine answers.*\(docker_unavailable\)\nfix: start Docker/m);
  });

  it("runs no topology that would not deploy", async () => {
    const { code, stderr } = await runKit([
      "up",
      "--platform",
      "ecs",
      project({}, SERVICE.replace("  health: /healthz\n", "  user: '0:0'\n")),
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error CHIO-[A-Z-]+ at containers\.app/);
  });

  it.each([
    ["no platform", [], "--platform <name>' not specified"],
    ["an unknown platform", ["--platform", "cloudrun"], "Did you mean cloud-run?"],
    ["a port that is none", ["--platform", "ecs", "--port", "70000"], "from 1 to 65535"],
    ["a secret on the command line", ["--platform", "ecs", "--secret", "chio-signing-key=abc"], "NAME=@FILE or NAME=env:VARIABLE"],
    ["a timeline of another kind", ["--platform", "ecs", "--timeline", "run.txt"], "ends in .svg, .png or .json"],
    ["a variable without its container", ["--platform", "ecs", "--env", "A=b"], "CONTAINER:NAME=VALUE"],
    ["a key that is not there", ["--platform", "ecs", "--key", "/nowhere/seed.hex"], "/nowhere/seed.hex does not exist"],
  ])("refuses %s", async (_, flags, message) => {
    const { code, stderr } = await runKit(["up", ...flags, project()]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it("refuses a signing key that is none before anything is started, and does not print it", async () => {
    const path = project({ "seed.hex": "not-a-seed-but-secret" });
    const { code, stderr } = await runKit(["up", "--platform", "ecs", "--key", join(path, "..", "seed.hex"), path]);
    expect(code).toBe(1);
    expect(stderr).toContain("seed");
    expect(stderr).not.toContain("not-a-seed-but-secret");
  });
});
