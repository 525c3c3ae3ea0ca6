import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { Deadlines } from "../../../sidecar/http/deadlines.ts";
import type { Exchange } from "../../../sidecar/http/exchange.ts";
import type { Forwarding } from "../../../sidecar/protect/forwarding.ts";
import { UploadStream } from "../../../sidecar/protect/upload-stream.ts";
import type { UpstreamConnection } from "../../../sidecar/protect/upstream-connection.ts";

test("an empty piece does not end a chunked body", () => {
  const req = Object.assign(new EventEmitter(), { rawTrailers: [] });
  const exchange = { req, sendContinue() {} } as unknown as Exchange;
  let sent = "";
  const connection = {
    write(bytes: Uint8Array | string) {
      sent += Buffer.from(bytes as string).toString("latin1");
      return true;
    },
  } as unknown as UpstreamConnection;
  const deadlines = new Deadlines();
  const forwarding = { metadata: null } as Forwarding;
  new UploadStream(exchange, connection, forwarding, null, deadlines, 1_000).start();
  req.emit("data", Buffer.from("ab"));
  req.emit("data", Buffer.alloc(0));
  req.emit("data", Buffer.from("c"));
  req.emit("end");
  deadlines.close();
  expect(sent).toBe("2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
  expect(forwarding.metadata?.().chio_streamed_body).toMatchObject({ bytes: 3, complete: true });
});
