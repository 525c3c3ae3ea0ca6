import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { selfSigned } from "../../infra/local/suite/certificate.ts";
import { talk } from "./harness/raw.ts";
import { startSidecar, type TestSidecar } from "./harness/sidecar.ts";
import { get, request } from "./harness/world.ts";

const trusted = selfSigned();
const folder = mkdtempSync(join(tmpdir(), "chio-tls-"));
const extraCa = join(folder, "ca.pem");
const authorities = getCACertificates("default");
const servers: Server[] = [];
const sidecars: TestSidecar[] = [];

beforeAll(() => {
  writeFileSync(extraCa, trusted.cert);
  setDefaultCACertificates([...authorities, trusted.cert]);
});
afterAll(async () => {
  for (const sidecar of sidecars) await sidecar.stop();
  for (const server of servers) server.close();
  setDefaultCACertificates(authorities);
  rmSync(folder, { recursive: true });
});

/** A sidecar before an app that speaks TLS with this certificate. */
async function behind(identity: { cert: string; key: string }, host: string, path = ""): Promise<TestSidecar> {
  const server = createServer(identity, (req, res) => {
    let body = "";
    req.on("data", (data) => (body += String(data)));
    req.on("end", () => res.end(JSON.stringify({ host: req.headers.host, url: req.url, body })));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const sidecar = await startSidecar({ upstreamPort: port, upstreamUrl: `https://${host}:${port}${path}`, extraCa });
  sidecars.push(sidecar);
  return sidecar;
}

test.each(["localhost", "127.0.0.1"])("an app behind TLS, by the name %s", async (host) => {
  const sidecar = await behind(trusted, host);
  const { answers } = await talk(sidecar.port, get("/open?a=1") + request("POST", "/open", [], "hi"), { answers: 2 });
  expect(answers.map((answer) => answer.json())).toMatchObject([{ url: "/open?a=1" }, { url: "/open", body: "hi" }]);
  expect(String(answers[0]?.json().host)).toMatch(new RegExp(`^${host}:`));
});

test("a path of the upstream's URL stands before every path", async () => {
  const sidecar = await behind(trusted, "localhost", "/base/");
  const { answers } = await talk(sidecar.port, get("/open"), { answers: 1 });
  expect(answers[0]?.json().url).toBe("/base/open");
});

test("a certificate that nobody vouches for is no upstream", async () => {
  const sidecar = await behind(selfSigned(), "localhost");
  const { answers } = await talk(sidecar.port, get("/open"), { answers: 1 });
  expect(answers[0]?.status).toBe(502);
  expect(answers[0]?.json().reason).toBe("upstream_unreachable");
});
