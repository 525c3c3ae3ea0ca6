import { execOk } from "./exec.mjs";
import { step } from "./progress.mjs";

/** @param {string} title @param {readonly string[]} packages */
export async function aptInstall(title, packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await step(`installing ${title} (apt-get install ${packages.join(" ")})`, async (report) => {
    await execOk("apt-get", ["update", "-q"], { env, onLine: report });
    await execOk("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...packages], { env, onLine: report });
  });
}
