import { generateKeyPairSync, sign } from "node:crypto";

/** A self-signed Ed25519 certificate for localhost and 127.0.0.1, and its key, as PEM. Made anew for each test: no key lies in the repository. */
export function selfSigned(): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const ed25519 = sequence(Buffer.from("06032b6570", "hex"));
  const name = sequence(tlv(0x31, sequence(Buffer.from("0603550403", "hex"), tlv(0x0c, Buffer.from("localhost")))));
  const time = (years: number) =>
    tlv(0x17, Buffer.from(`${new Date(Date.now() + years * 31_536_000_000).toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`));
  const names = sequence(tlv(0x82, Buffer.from("localhost")), tlv(0x87, Buffer.from([127, 0, 0, 1])));
  const subjectAltName = sequence(Buffer.from("0603551d11", "hex"), tlv(0x04, names));
  const basicConstraints = sequence(
    Buffer.from("0603551d13", "hex"),
    Buffer.from("0101ff", "hex"),
    tlv(0x04, sequence(Buffer.from("0101ff", "hex"))),
  );
  const body = sequence(
    tlv(0xa0, Buffer.from("020102", "hex")),
    Buffer.from("020101", "hex"),
    ed25519,
    name,
    sequence(time(-1), time(1)),
    name,
    publicKey.export({ format: "der", type: "spki" }),
    tlv(0xa3, sequence(subjectAltName, basicConstraints)),
  );
  const der = sequence(body, ed25519, tlv(0x03, Buffer.concat([Buffer.from([0]), sign(null, body, privateKey)])));
  const lines = der
    .toString("base64")
    .match(/.{1,64}/g)!
    .join("\n");
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
