import { decodeBearer } from "../../wire/bearer.ts";
import { parseCapability } from "../../wire/capability.ts";
import type { CapabilityToken } from "../../wire/types.ts";
import { type CommandIo, readInput } from "../io.ts";

/** Reads a token file: its JSON, or the bearer form. */
export async function readToken(io: CommandIo, file: string): Promise<CapabilityToken> {
  const bytes = await readInput(io, file);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1").trim();
  return parseCapability(decodeBearer(text) ?? bytes);
}
