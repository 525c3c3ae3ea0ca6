import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answers, freePort, type Running, start } from "./process.ts";

const floors = join(import.meta.dirname, "..", "floors");
/** Its program; the one argument is its port. */
export const signingFloor = join(floors, "sign.ts");

/** One nginx: a fixed answer on `origin`, and a forwarder to it on `forwarder`. */
export async function startNginx(folder: string): Promise<{ server: Running; origin: string; forwarder: string }> {
  const [origin, forwarder] = [await freePort(), await freePort()];
  const home = join(folder, "nginx");
  mkdirSync(home, { recursive: true });
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${home}/${name};`).join(" ");
  writeFileSync(
    join(home, "nginx.conf"),
    `daemon off; worker_processes 1; error_log ${home}/error.log; pid ${home}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; ${temp}
  upstream origin { server 127.0.0.1:${origin}; keepalive 128; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${origin}; location / { default_type application/json; return 200 '{"hello":"world"}'; } }
  server { listen 127.0.0.1:${forwarder}; location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}
`,
  );
  const server = await start("nginx", ["-c", join(home, "nginx.conf"), "-p", home], { ready: answers(`http://127.0.0.1:${forwarder}/`) });
  return { server, origin: `http://127.0.0.1:${origin}`, forwarder: `http://127.0.0.1:${forwarder}` };
}

/** Ready when the signing endpoint at the URL signs. */
export function signs(url: string): () => Promise<boolean> {
  return async () => (await fetch(url, { method: "POST", body: "{}" }).catch(() => null))?.status === 200;
}

/** The bare signing endpoint, on the runtime that the sidecar runs on. */
export async function startSigningFloor(bun: string): Promise<{ server: Running; url: string }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const server = await start(bun, [signingFloor, String(port)], {
    ready: signs(url),
  });
  return { server, url };
}

/** The bare forwarder, on the runtime that the sidecar runs on. */
export async function startForwardFloor(bun: string, upstream: string): Promise<{ server: Running; url: string }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  return { server: await start(bun, [join(floors, "forward.ts"), String(port), upstream], { ready: answers(url) }), url };
}
