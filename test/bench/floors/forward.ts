// The floor for the proxy: forward method, target and headers over kept-alive connections, stream the answer back. Nothing is checked, signed or kept.
import { Agent, createServer, request as httpRequest } from "node:http";

const [port, upstream] = [Number(process.argv[2]), new URL(process.argv[3] ?? "")];
const agent = new Agent({ keepAlive: true, maxSockets: 256 });

createServer((request, response) => {
  const outgoing = httpRequest(
    { host: upstream.hostname, port: upstream.port, agent, method: request.method, path: request.url, headers: request.headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  outgoing.on("error", () => response.destroy());
  request.pipe(outgoing);
}).listen(port, "127.0.0.1", () => console.log("listening"));
