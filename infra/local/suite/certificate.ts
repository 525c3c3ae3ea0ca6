import { generateKeyPairSync, sign } from "node:crypto";
import { isIPv4 } from "node:net";

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Curve and hash that every TLS library takes from a server; Ed25519 is off in BoringSSL. */
const ECDSA_WITH_SHA256 = "06082a8648ce3d040302";

/** A self-signed certificate for these DNS names and IPv4 addresses, a year either way. Made anew for each test: no key lies in a repository. */
export function selfSigned(names: readonly string[] = ["localhost", "127.0.0.1"]): Identity {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(Buffer.from(ECDSA_WITH_SHA256, "hex"));
  const name = sequence(tlv(0x31, sequence(Buffer.from("0603550403", "hex"), tlv(0x0c, Buffer.from(names[0] ?? "localhost")))));
  const time = (years: number) =>
    tlv(0x17, Buffer.from(`${new Date(Date.now() + years * 31_536_000_000).toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`));
  const alternatives = names.map((one) => (isIPv4(one) ? tlv(0x87, Buffer.from(one.split(".").map(Number))) : tlv(0x82, Buffer.from(one))));
  const subjectAltName = sequence(Buffer.from("0603551d11", "hex"), tlv(0x04, sequence(...alternatives)));
  const basicConstraints = sequence(
    Buffer.from("0603551d13", "hex"),
    Buffer.from("0101ff", "hex"),
    tlv(0x04, sequence(Buffer.from("0101ff", "hex"))),
  );
  const body = sequence(
    tlv(0xa0, Buffer.from("020102", "hex")),
    Buffer.from("020101", "hex"),
    algorithm,
    name,
    sequence(time(-1), time(1)),
    name,
    publicKey.export({ format: "der", type: "spki" }),
    tlv(0xa3, sequence(subjectAltName, basicConstraints)),
  );
  const der = sequence(body, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", body, privateKey)])));
  const lines = der.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ format: "pem", type: "pkcs8" })),
  };
}

function sequence(...parts: Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

/** One ASN.1 value in DER: tag, length, content. */
function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}
