import { say } from "../progress.mjs";
import { call, runLoad } from "./calls.mjs";

/** An expectation of the demo that did not hold. */
export class DemoFailure extends Error {}

/** @param {unknown} holds @param {string} expectation @param {unknown} [seen] @returns {asserts holds} */
function expect(holds, expectation, seen) {
  if (holds) return;
  throw new DemoFailure(`expected ${expectation}${seen === undefined ? "" : `; seen: ${JSON.stringify(seen)}`}`);
}

/** @param {string} id */
const short = (id) => `${id.slice(0, 12)}…`;

/**
 * The product at work, step by step. Throws {@link DemoFailure} at the first thing that is not as it must be.
 * @param {import("./stage.mjs").Stage} stage
 */
export async function tellStory(stage) {
  const { url } = stage;

  say("\n1. A call without a capability is refused, and the refusal has a receipt.");
  const refused = await call(url, "GET", "/notes");
  expect(refused.status === 403 && refused.body.reason === "missing_capability_token", "403 missing_capability_token", refused);
  expect(refused.receiptId === refused.body.receipt_id && refused.receiptId, "a receipt id in header and body", refused);
  say(`   GET /notes → 403 ${refused.body.reason}, receipt ${short(refused.receiptId)}`);
  expect((await stage.appCalls())["GET /notes"] === undefined, "no call at the app", await stage.appCalls());
  say("   The app has not seen the call.");

  say("\n2. A capability is issued with the CLI: three operations, for 15 minutes.");
  const grants = ["http:GET /notes:invoke", "http:POST /notes:invoke", "http:POST /files/read:invoke"];
  const issue = ["capability", "issue", "--seed-file", "-", "--subject-name", "demo-agent", "--ttl", "15m", "--format", "bearer"];
  const token = (await stage.chio([...issue, ...grants.flatMap((grant) => ["--grant", grant])], stage.seed)).stdout.trim();
  expect(/^[\w-]{100,}$/.test(token), "a bearer token", token);
  stage.keepCapability(token);
  say(`   chio capability issue --subject-name demo-agent ${grants.map((grant) => `--grant '${grant}'`).join(" ")} --ttl 15m`);

  say("\n3. The same call with it is allowed.");
  const allowed = await call(url, "GET", "/notes", { token });
  expect(allowed.status === 200 && allowed.receiptId, "200 with a receipt", allowed);
  say(`   GET /notes → 200 ${JSON.stringify(allowed.body)}, receipt ${short(allowed.receiptId)}`);
  const beyond = await call(url, "DELETE", "/notes/1", { token });
  expect(beyond.status === 403 && beyond.receiptId, "403 for an operation that was not granted", beyond);
  say(`   DELETE /notes/1, which was not granted → 403 ${beyond.body.reason}, receipt ${short(beyond.receiptId)}`);

  say("\n4. A guard refuses what the capability alone would allow.");
  const guarded = await call(url, "POST", "/files/read", { token, json: { path: "/etc/shadow" } });
  expect(guarded.status === 403 && guarded.body.guard === "forbidden-path" && guarded.receiptId, "403 from forbidden-path", guarded);
  say(
    `   POST /files/read {"path":"/etc/shadow"} → 403 ${guarded.body.reason} by ${guarded.body.guard}, receipt ${short(guarded.receiptId)}`,
  );
  expect((await stage.appCalls())["POST /files/read"] === undefined, "no read_file call at the app", await stage.appCalls());

  say("\n5. Every decision is in the log, signed.");
  const receipts = await listReceipts(stage);
  for (const { receiptId } of [refused, allowed, beyond, guarded]) {
    expect(receiptId !== undefined && receipts.has(receiptId), `receipt ${receiptId} in the log`, [...receipts.keys()]);
  }
  say(`   chio receipt list → ${receipts.size} receipts: ${tally([...receipts.values()])}`);

  say("\n6. The log is verified offline: every signature against the sidecar's public key, Merkle roots, chain of checkpoints.");
  say(`   chio checkpoint verify → ${await verifyLog(stage)}`);

  await stopUnderLoad(stage, token);
}

/** @param {import("./stage.mjs").Stage} stage @param {string} token */
async function stopUnderLoad(stage, token) {
  say("\n7. SIGTERM under load: what was begun is finished, and nothing is lost.");
  const before = (await stage.appCalls())["POST /notes"] ?? 0;
  const load = runLoad(stage.url, token, { workers: 32, path: "/notes?wait_ms=40" });
  await load.warm(300);
  const inFlight = load.inFlight();
  const began = performance.now();
  const exitCode = await stage.stop("SIGTERM");
  const took = Math.round(performance.now() - began);
  const { answered, turnedAway } = await load.end();
  const odd = answered.filter(({ status }) => status !== 201 && status !== 503);
  expect(exitCode === 0, "exit code 0", exitCode);
  expect(odd.length === 0, "201, or 503 once the drain began", odd.slice(0, 3));
  const done = answered.filter(({ status }) => status === 201);
  say(
    `   ${inFlight} calls were in flight. Exit code 0 after ${took} ms; ${done.length} calls answered in all, ${turnedAway} turned away afterwards.`,
  );
  const receipts = await listReceipts(stage);
  const lost = done.filter(({ receiptId }) => receiptId === undefined || !receipts.has(receiptId));
  expect(lost.length === 0, "every answered call in the log", lost.slice(0, 3));
  const atApp = ((await stage.appCalls())["POST /notes"] ?? 0) - before;
  expect(atApp === done.length, `as many calls at the app as answers (${done.length})`, atApp);
  say(`   ${done.length} answers, ${atApp} calls at the app, ${done.length - lost.length} of ${done.length} receipts in the log: 0 lost.`);
  say(`   chio checkpoint verify → ${await verifyLog(stage)}`);
}

/** @param {import("./stage.mjs").Stage} stage @returns {Promise<Map<string, string>>} verdict by receipt id */
async function listReceipts(stage) {
  const { stdout } = await stage.chio(["receipt", "list", "--receipt-db", stage.receiptDb, "--limit", "1000000"]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => {
      const entry = JSON.parse(line);
      const receipt = entry.receipt ?? entry;
      return [receipt.id, receipt.verdict?.verdict ?? receipt.decision?.verdict ?? receipt.decision ?? "other"];
    }),
  );
}

/** @param {import("./stage.mjs").Stage} stage */
async function verifyLog(stage) {
  const result = await stage.chio(["checkpoint", "verify", "--receipt-db", stage.receiptDb, "--trusted-key", stage.publicKey]);
  const report = JSON.parse(result.stdout);
  expect(report.ok === true, "a log that verifies", report);
  return `ok, ${report.receipts} receipts, ${report.checkpoints} checkpoints`;
}

/** @param {string[]} verdicts */
function tally(verdicts) {
  const counts = new Map();
  for (const verdict of verdicts) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(", ");
}
