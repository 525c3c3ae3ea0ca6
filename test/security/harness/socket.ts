import { connect } from "node:net";

/** A client connection that the test drives by hand. */
export interface HandSocket extends AsyncDisposable {
  write(bytes: string | Uint8Array): void;
  /** Resolves when `text` has arrived; rejects after fifteen seconds. */
  until(text: string): Promise<void>;
  readonly text: string;
  readonly bytes: number;
  readonly closed: boolean;
  pause(): void;
  resume(): void;
  destroy(): void;
}

export async function connectTo(port: number): Promise<HandSocket> {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  let received: Buffer[] = [];
  let bytes = 0;
  let closed = false;
  let wake = () => {};
  socket.on("data", (data: Buffer) => {
    received.push(data);
    bytes += data.length;
    wake();
  });
  socket.on("close", () => {
    closed = true;
    wake();
  });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.on("error", () => {});
  const text = () => {
    if (received.length > 1) received = [Buffer.concat(received)];
    return received[0]?.toString("latin1") ?? "";
  };
  return {
    write: (data) => void socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data),
    async until(wanted) {
      const deadline = Date.now() + 15_000;
      while (!text().includes(wanted)) {
        if (closed || Date.now() > deadline)
          throw new Error(`${JSON.stringify(wanted)} did not arrive; got ${JSON.stringify(text().slice(-300))}`);
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), new Promise((resolve) => setTimeout(resolve, 50))]);
      }
    },
    get text() {
      return text();
    },
    get bytes() {
      return bytes;
    },
    get closed() {
      return closed;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
    [Symbol.asyncDispose]: async () => void socket.destroy(),
  };
}
