import { Option } from "commander";
import { encodeBearer } from "../../wire/bearer.ts";
import type { CapabilityToken } from "../../wire/types.ts";
import type { CommandIo } from "../io.ts";
import { printJson } from "../wire-input.ts";

export type TokenFormat = "json" | "bearer";

export function formatOption(): Option {
  return new Option("--format <format>", "json: for X-Chio-Capability; bearer: for Authorization: Bearer")
    .choices(["json", "bearer"])
    .default("json");
}

/** The token on one line, ready for the header it is meant for. */
export function printToken(io: CommandIo, token: CapabilityToken, format: TokenFormat): void {
  if (format === "bearer") io.stdout(`${encodeBearer(token)}\n`);
  else printJson(io, token);
}
