import { issueCapability } from "../../../sidecar/wire/capability.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import type { CapabilityBody, CapabilityToken } from "../../../sidecar/wire/types.ts";

const pair = (byte: number) => Keypair.fromSeed(Buffer.alloc(32, byte));

export const issuer = pair(0x0b);
export const subject = pair(0x0c);
export const delegatee = pair(0x0d);
export const stranger = pair(0x0e);

export const ISSUED_AT = 1_710_000_000;
export const EXPIRES_AT = ISSUED_AT + 3600;

export function body(change: Partial<CapabilityBody> = {}): CapabilityBody {
  return {
    schema: "chio.capability.v1",
    id: "cap-1",
    issuer: issuer.publicKeyHex,
    subject: subject.publicKeyHex,
    scope: {
      grants: [
        {
          server_id: "srv-files",
          tool_name: "file_read",
          operations: ["invoke", "read_result"],
          constraints: [{ type: "path_prefix", value: "/workspace/" }],
          max_invocations: 10,
        },
      ],
    },
    issued_at: ISSUED_AT,
    expires_at: EXPIRES_AT,
    ...change,
  };
}

export function token(change: Partial<CapabilityBody> = {}): CapabilityToken {
  return issueCapability(body(change), issuer);
}

/** The value as plain JSON, ready to be changed by a test. */
export function plain<T>(value: T): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}
