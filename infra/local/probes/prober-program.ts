import { request } from "node:http";
import { connect } from "node:net";

// Runs inside a replica's network namespace, in the container that owns it, under the runtime of the sidecar's image. One line of JSON in, one out.

interface Order {
  readonly id: number;
  readonly kind: "http" | "tcp";
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly timeoutMs: number;
}

const EXCERPT = 500;

function tell(id: number, status: number | null, text: string): void {
  process.stdout.write(`${JSON.stringify({ id, status, text: text.slice(0, EXCERPT) })}\n`);
}

/** `status`: of the answer; 0 for an open port; null when there was none. */
function probe({ id, kind, host, port, path, timeoutMs }: Order): void {
  let told = false;
  const once = (status: number | null, text: string) => {
    if (!told) tell(id, status, text);
    told = true;
    clearTimeout(timer);
    call.destroy();
  };
  const timer = setTimeout(() => once(null, `no answer within ${timeoutMs} ms`), timeoutMs);
  const failed = (error: NodeJS.ErrnoException) =>
    once(null, error.code === "ECONNREFUSED" ? `nothing listens on ${host}:${port}` : error.message);
  const call =
    kind === "tcp"
      ? connect(port, host, () => once(0, `port ${port} is open`))
      : request({ host, port, path, agent: false, headers: { "user-agent": "chio-kit-probe", connection: "close" } }, (answer) => {
          let text = "";
          answer.setEncoding("utf8");
          answer.on("data", (piece: string) => {
            if (text.length < EXCERPT) text += piece;
          });
          answer.on("end", () => once(answer.statusCode ?? null, text));
          answer.on("error", failed);
        });
  call.on("error", failed);
  if ("end" in call && kind === "http") call.end();
}

let pending = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (piece: string) => {
  const lines = `${pending}${piece}`.split("\n");
  pending = lines.pop() ?? "";
  for (const line of lines) probe(JSON.parse(line) as Order);
});
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
process.stdout.write(`${JSON.stringify({ id: 0, status: 0, text: "" })}\n`);
