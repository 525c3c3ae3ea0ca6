// The floor for `/chio/evaluate`: read a JSON body, sign a receipt-sized message, answer with a receipt-sized body. Nothing is decided, nothing kept.
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";

const { privateKey } = generateKeyPairSync("ed25519");
const filler = "x".repeat(640);
let counter = 0;

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { request_id?: string };
    const message = JSON.stringify({ id: counter++, request_id: body.request_id, filler });
    const signature = sign(null, Buffer.from(message), privateKey).toString("hex");
    response.writeHead(200, { "content-type": "application/json" });
    response.end(`{"receipt":${message},"signature":"${signature}"}`);
  });
}).listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
