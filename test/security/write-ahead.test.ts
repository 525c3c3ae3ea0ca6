import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { eventually } from "./harness/eventually.ts";
import { pause } from "./harness/raw.ts";
import { ok, Recorder } from "./harness/recorder.ts";
import { startSidecar } from "./harness/sidecar.ts";
import { connectTo } from "./harness/socket.ts";
import { get, request, world } from "./harness/world.ts";

const w = world();
const receipts = () => w.sidecar.receipts();

describe("receipts before effects", () => {
  test.each(["POST", "PUT", "PATCH", "DELETE"])(
    "%s: its decision is on disk when the upstream sees it, its outcome when the client does",
    async (method) => {
      const before = receipts().length;
      let atUpstream: string[] = [];
      w.up.answer = () => {
        // Another reader of the same file: what it sees is committed.
        atUpstream = receipts()
          .slice(before)
          .map(({ metadata }) => String(metadata?.chio_http_status_scope));
        return "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
      };
      const { answer } = await w.forwarded(request(method, "/admin", [`X-Chio-Capability: ${w.token}`], "x"), 201);
      expect(atUpstream).toEqual(["decision"]);
      const [decision, final] = receipts().slice(before);
      expect(final).toMatchObject({
        response_status: 201,
        metadata: { chio_decision_receipt_id: decision!.id, chio_http_status_scope: "final" },
      });
      expect(answer.header("x-chio-receipt-id")).toBe(final!.id);
    },
  );
  test.each(["GET", "OPTIONS"])("%s: one receipt, on disk when the client has the answer", async (method) => {
    const before = receipts().length;
    w.up.answer = () => ok("{}");
    const { answer } = await w.forwarded(request(method, "/admin", [`X-Chio-Capability: ${w.token}`]));
    expect(
      receipts()
        .slice(before)
        .map(({ id }) => id),
    ).toEqual([answer.header("x-chio-receipt-id")]);
  });
  test("a denial: one receipt, on disk when the client has the answer", async () => {
    const before = receipts().length;
    const answer = await w.denied(request("POST", "/admin", [], "x"));
    expect(receipts().slice(before)).toMatchObject([{ id: answer.json().receipt_id, response_status: 403, verdict: { verdict: "deny" } }]);
    expect(answer.json()).toMatchObject({ error: "capability_denied", reason: "missing_capability_token", guard: "CapabilityGuard" });
    expect(answer.json().suggestion).toBeTypeOf("string");
  });
});

test("a client that goes while its decision is written has made no call", async () => {
  const up = await Recorder.start();
  const sidecar = await startSidecar({ upstreamPort: up.port });
  const db = new DatabaseSync(sidecar.store);
  try {
    db.exec("BEGIN IMMEDIATE");
    const client = await connectTo(sidecar.port);
    client.write(request("POST", "/open", [], "x"));
    await pause(200);
    client.destroy();
    await pause(200);
    db.exec("ROLLBACK");
    await eventually(() => expect(sidecar.receipts().map(({ verdict }) => verdict.verdict)).toEqual(["allow", "cancel"]));
    expect(sidecar.receipts()[1]?.metadata?.chio_decision_receipt_id).toBe(sidecar.receipts()[0]?.id);
    expect(up.lines).toEqual([]);
  } finally {
    db.close();
    await sidecar.stop();
    await up.stop();
  }
});

describe("many at once", () => {
  const many = world();
  many.unordered = true;
  test("every answer has its own receipt", async () => {
    const talks = await Promise.all(
      Array.from({ length: 100 }, (_, i) => many.send(get(i % 2 === 0 ? `/open?${i}` : `/admin?${i}`), { answers: 1 })),
    );
    const answers = talks.map(({ answers: [answer] }) => answer!);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(50).fill(200), ...Array<number>(50).fill(403)]);
    const ids = answers.map((answer) => answer.header("x-chio-receipt-id"));
    expect(new Set(ids).size).toBe(100);
    const known = new Set(many.sidecar.receipts().map(({ id }) => id));
    expect(ids.every((id) => known.has(id!))).toBe(true);
  });
});
