import type { Ledger } from "../../ledger/types.ts";
import type { Metrics } from "../../service/metrics.ts";
import type { Logger, Readiness } from "../../service/types.ts";
import { WireError } from "../../wire/errors.ts";
import type { FieldReader } from "../../wire/fields.ts";
import type { Keypair } from "../../wire/keys.ts";
import { HttpRefusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Mediator } from "../mediator.ts";

/** What the routes work with. */
export interface RouteContext {
  mediator: Mediator;
  ledger: Ledger;
  keypair: Keypair;
  metrics: Metrics;
  readiness: Readiness;
  logger: Logger;
  version: string;
  acknowledge: "ledger" | "sink";
  /** Policies in force since start: 1, and one more with each reload. */
  generation: () => number;
  /** Seconds since start. */
  uptime: () => number;
}

/** One route of the sidecar itself. */
export interface SidecarRoute {
  method: "GET" | "POST";
  path: string;
  /** probe: anybody, also while draining. open: anybody who is no foreign web page. control: see ControlGate. */
  access: "probe" | "open" | "control";
  maxBodyBytes: number;
  /** A rejection is answered: HttpRefusal as it says, WireError as a bad payload, anything else as 500. */
  handle(exchange: Exchange, body: Uint8Array, context: RouteContext): Promise<void> | void;
}

export const MIB = 1024 * 1024;

/** Runs `read`, and turns what the wire layer refuses into the answer that upstream's readers know: `invalid <what> payload: …`. */
export function readPayload<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError) throw badPayload(`invalid ${what} payload: ${error.message}`, error);
    throw error;
  }
}

/** A string that has to be there and to say something. */
export function requiredText(reader: FieldReader, name: string): string {
  const text = reader.string(name);
  if (text.trim() === "") throw badPayload(`${name} must not be empty`);
  return text;
}

/** The mediator's time, Unix seconds. */
export function unixNow({ mediator }: Pick<RouteContext, "mediator">): number {
  return Math.floor(mediator.now() / 1_000);
}

export function badPayload(message: string, cause?: unknown): HttpRefusal {
  return new HttpRefusal(400, "bad_payload", message, cause === undefined ? {} : { cause });
}
