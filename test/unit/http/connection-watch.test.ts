import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { connectionOf } from "../../../sidecar/http/connection.ts";
import { ConnectionWatch } from "../../../sidecar/http/connection-watch.ts";

/** A connection, and what a look at it makes of it. */
function watched() {
  let ended = false;
  const destroy = () => {
    ended = true;
  };
  const socket = { remoteAddress: "127.0.0.1", bytesWritten: 0, destroy };
  const connection = connectionOf(socket as unknown as Socket);
  const watch = new ConnectionWatch(socket as unknown as Socket, { headerTimeoutMs: 10, idleTimeoutMs: 10 });
  const look = () => {
    watch.expire();
    return ended ? "ended" : "left";
  };
  const answer = (waiting: number) => {
    connection.busy = true;
    connection.answer = { writableLength: waiting } as ServerResponse;
  };
  return { socket, connection, look, answer };
}

describe("a connection is ended", () => {
  test("when no request came, and when none came since the last look", () => {
    expect(watched().look()).toBe("ended");
    const { connection, look } = watched();
    connection.requests = 1;
    expect([look(), look()]).toEqual(["left", "ended"]);
  });
  test("when nothing of a waiting answer was taken since the last look", () => {
    const { socket, connection, look, answer } = watched();
    connection.requests = 1;
    answer(500);
    socket.bytesWritten = 1_000;
    expect([look(), look()]).toEqual(["left", "ended"]);
  });
});

describe("a connection is left alone", () => {
  test("while requests come", () => {
    const { connection, look } = watched();
    for (let i = 1; i < 5; i++) {
      connection.requests = i;
      expect(look()).toBe("left");
    }
  });
  test("while a request is at work, and while its client takes any of the answer", () => {
    const { socket, connection, look, answer } = watched();
    connection.requests = 1;
    connection.busy = true;
    expect([look(), look()]).toEqual(["left", "left"]);
    socket.bytesWritten = 10_000;
    for (const waiting of [9_000, 8_000, 7_999, 0]) {
      answer(waiting);
      expect(look()).toBe("left");
    }
    expect(look()).toBe("left");
  });
  test("when it was upgraded", () => {
    const { connection, look } = watched();
    connection.requests = 1;
    connection.closing = true;
    expect([look(), look(), look()]).toEqual(["left", "left", "left"]);
  });
});
