import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { runCli } from "./run-cli.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that answers like the sidecar's health route, and what it was asked. */
async function sidecar(status = 200, host = "127.0.0.1"): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(status === 200 ? '{"status":"healthy"}' : '{"status":"unhealthy","reasons":["ledger: disk full"]}');
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

describe("chio health", () => {
  it("is 0 and shows the answer when the sidecar is ready", async () => {
    const { port, asked } = await sidecar();
    const result = await runCli(["health", "--url", `http://127.0.0.1:${port}/chio/health`]);
    expect(result).toEqual({ code: 0, stdout: '{"status":"healthy"}\n', stderr: "" });
    expect(asked).toEqual(["GET /chio/health"]);
  });

  it("is 1 and says why when it is not", async () => {
    const { port } = await sidecar(503);
    const { code, stderr } = await runCli(["health", "--listen", `127.0.0.1:${port}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/not ready: .*answered 503 .*disk full/);
  });

  it.each(["0.0.0.0", "127.0.0.1", "localhost"])(
    "asks this machine when the sidecar listens on %s, with flags over variables",
    async (host) => {
      const { port, asked } = await sidecar();
      const env = { CHIO_LISTEN_ADDR: `${host}:${port}`, CHIO_HEALTH_PATH: "/from/env" };
      expect((await runCli(["health"], { env })).code).toBe(0);
      expect((await runCli(["health", "--health-path", "/from/flag"], { env })).code).toBe(0);
      expect((await runCli(["health", "--listen", `${host}:${port}`], { env: { CHIO_LISTEN_ADDR: "127.0.0.1:1" } })).code).toBe(0);
      expect(asked).toEqual(["GET /from/env", "GET /from/flag", "GET /chio/health"]);
    },
  );

  it("leaves a check out when told to, and only one that can be", async () => {
    const { port, asked } = await sidecar();
    expect((await runCli(["health", "--exclude", "sinks", "--listen", `127.0.0.1:${port}`])).code).toBe(0);
    expect((await runCli(["health", "--exclude=sinks", "--url", `http://127.0.0.1:${port}/ready?a=b`])).code).toBe(0);
    expect(asked).toEqual(["GET /chio/health?exclude=sinks", "GET /ready?a=b&exclude=sinks"]);
    const wrong = await runCli(["health", "--exclude", "receipts", "--listen", `127.0.0.1:${port}`]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/--exclude <check>' argument 'receipts' is invalid. Allowed choices are sinks/);
    expect(asked).toHaveLength(2);
  });

  it("reads the address from kernel.yaml where nothing else has it", async () => {
    const { port, asked } = await sidecar();
    const dir = mkdtempSync(join(tmpdir(), "chio-health-"));
    closers.push(() => rmSync(dir, { recursive: true }));
    const path = join(dir, "kernel.yaml");
    writeFileSync(path, `listen: "[::]:${port}"\nhealth_path: /ready\n`);
    expect((await runCli(["health"], { env: { CHIO_KERNEL_CONFIG_PATH: path } })).code).toBe(0);
    expect(asked).toEqual(["GET /ready"]);
    const missing = await runCli(["health", "--config", join(dir, "none.yaml")]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/--config .*does not exist/);
  });

  it("is 1 when nothing listens", async () => {
    const { port } = await sidecar();
    for (const close of closers.splice(0)) close();
    const { code, stderr } = await runCli(["health", "--listen", `127.0.0.1:${port}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nothing listens there/);
  });

  it("gives up on a server that says nothing", async () => {
    const silent = createTcpServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    closers.push(() => silent.close());
    const { code, stderr } = await runCli([
      "health",
      "--timeout-ms",
      "150",
      "--listen",
      `127.0.0.1:${(silent.address() as AddressInfo).port}`,
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no answer within 150 ms/);
  });

  it("says what is wrong with its own settings", async () => {
    const { code, stderr } = await runCli(["health"], { env: { CHIO_LISTEN_ADDR: "9090" } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/CHIO_LISTEN_ADDR: "9090" is not an address/);
  });
});
