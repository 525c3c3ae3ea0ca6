import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { discoverSpec, SPEC_PATHS } from "../../../sidecar/service/spec-discovery.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function app(handler: (request: IncomingMessage, response: ServerResponse) => void, port = 0): Promise<URL> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

describe("discoverSpec", () => {
  it("takes the first path that answers 2xx with a body, under the upstream's base path", async () => {
    const asked: string[] = [];
    const url = await app((request, response) => {
      asked.push(request.url!);
      if (request.url === "/base/openapi.json") response.statusCode = 404;
      response.end(request.url === "/base/openapi.yaml" ? "" : "openapi: 3.1.0");
    });
    const found = await discoverSpec(new URL("/base/", url), { waitMs: 1000 });
    expect(asked).toEqual(["/base/openapi.json", "/base/openapi.yaml", "/base/swagger.json"]);
    expect(found).toEqual({ text: "openapi: 3.1.0", origin: `${url.origin}/base/swagger.json` });
  });

  it("ends at once, with every path in the message, when the app answers and has none", async () => {
    const url = await app((request, response) => {
      response.writeHead(request.url === "/api-docs" ? 302 : 404, { location: "/elsewhere.json" }).end("openapi: 3.1.0");
    });
    const began = performance.now();
    await expect(discoverSpec(url, { waitMs: 10_000 })).rejects.toMatchObject({
      code: "spec_not_found",
      message: expect.stringMatching(/openapi\.json answered 404; .*\/api-docs answered 302/),
      fix: expect.stringMatching(/--spec/),
    });
    expect(performance.now() - began).toBeLessThan(8000);
    expect(SPEC_PATHS).toHaveLength(4);
  });

  it("waits for an app that is not up yet, and no longer than it may", async () => {
    const probe = await app(() => {});
    const port = Number(probe.port);
    await new Promise((resolve) => servers.pop()!.close(resolve));
    await expect(discoverSpec(probe, { waitMs: 400 })).rejects.toMatchObject({
      code: "spec_not_found",
      message: expect.stringMatching(/ECONNREFUSED/),
    });
    const later = discoverSpec(probe, { waitMs: 20_000 });
    setTimeout(() => void app((_request, response) => response.end("{}"), port), 300);
    expect((await later).text).toBe("{}");
  });

  it("gives up on an app that never answers", async () => {
    const url = await app(() => {});
    const began = performance.now();
    await expect(discoverSpec(url, { waitMs: 300 })).rejects.toMatchObject({ message: expect.stringMatching(/no answer within/) });
    expect(performance.now() - began).toBeLessThan(8000);
  });

  it("stops when it is told to", async () => {
    const url = await app(() => {});
    const aborted = new AbortController();
    setTimeout(() => aborted.abort(), 100);
    await expect(discoverSpec(url, { waitMs: 10_000, signal: aborted.signal })).rejects.toMatchObject({ code: "spec_not_found" });
  });
});
