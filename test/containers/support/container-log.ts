import { engine } from "./engine.ts";

/** Both streams of a container, in order. */
export async function containerLog(id: string): Promise<string> {
  const raw = (await (await engine()).getContainer(id).logs({ stdout: true, stderr: true })) as Buffer;
  // The engine frames each piece with eight bytes: stream, three zeros, length.
  let text = "";
  for (let at = 0; at + 8 <= raw.length; ) {
    const length = raw.readUInt32BE(at + 4);
    text += raw.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}
