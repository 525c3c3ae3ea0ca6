import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { environmentSecrets } from "../../../sidecar/service/environment.ts";
import { ConfigError } from "../../../sidecar/service/errors.ts";
import { createLogger } from "../../../sidecar/service/logger.ts";
import { createScrubber, REDACTED, withSecretsHidden } from "../../../sidecar/service/scrub.ts";
import { ChioError } from "../../../sidecar/wire/errors.ts";
import { anyText } from "../any-text.ts";
import { load, SEED } from "./load.ts";

const TOKEN = 'tok"en\\with%odd/chars+and=more';
const BYTES = Buffer.from(SEED, "hex");
/** The seed and the token as they could turn up somewhere. */
const SPELLINGS = [
  SEED,
  SEED.toUpperCase(),
  `0x${SEED}`,
  BYTES.toString("base64"),
  BYTES.toString("base64url"),
  BYTES.toString("base64").replace("=", ""),
  encodeURIComponent(BYTES.toString("base64")),
  JSON.stringify([...BYTES]),
  TOKEN,
  JSON.stringify(TOKEN),
  encodeURIComponent(TOKEN),
  Buffer.from(TOKEN).toString("base64"),
  Buffer.from(TOKEN).toString("hex"),
];
/** What no line may hold: the pieces that the spellings have in common. */
const FORBIDDEN = [
  SEED,
  SEED.toUpperCase(),
  BYTES.toString("base64url").slice(0, 40),
  BYTES.toString("base64").slice(0, 40),
  "157,97,177,157",
  "en\\with%odd",
  "odd%2Fchars",
  Buffer.from(TOKEN).toString("hex"),
];

function logged(write: (log: ReturnType<typeof createLogger>) => void, secrets: string[], level: "trace" | "info" = "trace"): string {
  let text = "";
  write(createLogger(level, { write: (line) => (text += line) }, withSecretsHidden(secrets)));
  return text;
}

const spelling = fc.constantFrom(...SPELLINGS);
const noise = anyText({ maxLength: 12 });

describe("no configured secret leaves through the log", () => {
  it("and what is too short to be one leaves the lines readable", () => {
    expect(logged((log) => log.error("use sqlite:///absolute/path"), ["ab", "a", "xyz"])).toContain("use sqlite:///absolute/path");
    expect(logged((log) => log.error("use sqlite:///absolute/path"), ["path"])).not.toContain("path");
  });

  const secrets = [SEED, TOKEN];

  it("wherever it stands: message, fields, nested errors, keys", () => {
    fc.assert(
      fc.property(spelling, noise, noise, fc.nat({ max: 6 }), (secret, before, after, where) => {
        const text = `${before}${secret}${after}`;
        const out = logged((log) => {
          if (where === 0) log.error(text);
          if (where === 1) log.info("m", { value: text });
          if (where === 2) log.warn("m", { deep: { list: [1, { text }] } });
          if (where === 3) log.error("m", { error: new Error(text, { cause: new Error(secret) }) });
          if (where === 4) log.error("m", { error: new ChioError("code", text, { fix: text }) });
          if (where === 5) log.debug("m", { [text]: 1 });
          if (where === 6) log.trace("m", { at: new URL(`http://a/?t=${encodeURIComponent(text.toWellFormed())}`), set: new Set([text]) });
        }, secrets);
        for (const piece of FORBIDDEN) expect(out).not.toContain(piece);
        expect(out.endsWith("\n")).toBe(true);
        expect(out.indexOf("\n")).toBe(out.length - 1);
      }),
      { numRuns: 1000 },
    );
  });

  it("which the same lines without a scrubber would show", () => {
    let text = "";
    createLogger("info", { write: (line) => (text += line) }, createScrubber()).error(SPELLINGS.join(" "));
    for (const piece of FORBIDDEN) expect(text).toContain(piece.includes("\\") ? JSON.stringify(piece).slice(1, -1) : piece);
  });
});

describe("credentials of callers", () => {
  const signature = "ab".repeat(64);
  const json = JSON.stringify({ schema: "chio.capability.v1", id: "cap-1", signature });
  it.each([
    ["a capability", json, signature],
    ["its base64url", Buffer.from(json).toString("base64url"), Buffer.from(json).toString("base64url").slice(0, 60)],
    ["a query", `/x?chio_capability=${encodeURIComponent(json)}&y=1`, "capability.v1"],
    ["a percent-encoded token", encodeURIComponent(json), "cap-1"],
    ["a bearer", "authorization: Bearer abc.def-ghi", "abc.def"],
  ])("%s is cut out", (_what, text, piece) => {
    const out = logged((log) => log.info("request", { text }), []);
    expect(out).toContain(REDACTED);
    expect(out).not.toContain(piece);
    expect(() => JSON.parse(out)).not.toThrow();
  });

  it("leaves receipt ids, key ids and plain text alone", () => {
    const text = `receipt ${"cd".repeat(32)} for /api/search?q=hello by cap-1`;
    expect(createScrubber().scrub(text)).toBe(text);
  });
});

describe("configuration errors", () => {
  const secretVariables = [
    "CHIO_SIGNING_KEY",
    "CHIO_SIDECAR_CONTROL_TOKEN",
    "CHIO_API_PROTECT_CONTROL_TOKEN",
    "CHIO_CONTROL_TLS_CLIENT_KEY",
  ];

  it("never hold any part of a secret, whatever is wrong with it", () => {
    fc.assert(
      fc.property(fc.constantFrom(...secretVariables), fc.stringMatching(/^[a-z0-9]{1,3}[^\0]{0,40}[ä ][A-Z0-9]{12}$/), (name, value) => {
        const env = { [name]: value };
        let said = "";
        try {
          said = JSON.stringify(load({ env }).warnings);
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          said = `${error.message} ${JSON.stringify(error.problems)} ${String(error.stack)}`;
        }
        expect(said).not.toContain(value.trim());
        expect(said).not.toContain(value.slice(-12));
      }),
    );
  });

  it("do not quote what was put where a key or a URL belongs", () => {
    for (const env of [
      { CHIO_TRUSTED_ISSUER_KEY: `${SEED}00` },
      { CHIO_CAPABILITY_AUTHORITY_URL: `postgres://u:${SEED}@h` },
      { CHIO_CAPABILITY_AUTHORITY_URL: `http://u:${SEED}@h` },
      { CHIO_UPSTREAM: `http://h/?key=${SEED}` },
      { CHIO_RECEIPT_SINK: `https://u:${SEED}@h/v1` },
    ]) {
      expect(() => load({ env })).toThrow(ConfigError);
      try {
        load({ env });
      } catch (error) {
        expect((error as Error).message).not.toContain(SEED);
      }
    }
  });
});

describe("environmentSecrets", () => {
  it("lists what secret variables hold, usable or not", () => {
    const env = { CHIO_SIGNING_KEY: " short ", CHIO_SIDECAR_CONTROL_TOKEN: "t", CHIO_LISTEN_ADDR: "a", CHIO_CONTROL_TLS_CLIENT_KEY: "k" };
    expect(environmentSecrets(env).sort()).toEqual(["k", "short", "t"]);
  });
});
