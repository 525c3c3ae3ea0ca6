const tty = process.stdout.isTTY === true && process.env.CI === undefined;
const HEARTBEAT_MS = 30_000;

/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`;

/** @param {string} text */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/**
 * Shows one long piece of work: on a terminal a single line that moves, elsewhere a line at the start, one every half minute and one at the end.
 * @template T
 * @param {string} title
 * @param {(report: (detail: string) => void) => Promise<T>} work
 * @param {(result: T) => string} [mark] sign before the closing line; a tick unless given
 * @returns {Promise<T>}
 */
export async function step(title, work, mark = () => "✓") {
  const started = performance.now();
  let detail = "";
  const elapsed = () => seconds(performance.now() - started);
  const draw = () => {
    const width = process.stdout.columns ?? 80;
    const line = `… ${title} (${elapsed()})${detail === "" ? "" : `: ${detail}`}`;
    process.stdout.write(`\r\x1b[2K${line.slice(0, width - 1)}`);
  };
  if (tty) draw();
  else say(`… ${title}`);
  const timer = setInterval(
    () => {
      if (tty) draw();
      else say(`  still at it after ${elapsed()}${detail === "" ? "" : `: ${detail}`}`);
    },
    tty ? 200 : HEARTBEAT_MS,
  );
  try {
    const result = await work((text) => {
      detail = text.trim();
    });
    if (tty) process.stdout.write("\r\x1b[2K");
    say(`${mark(result)} ${title} (${elapsed()})`);
    return result;
  } catch (error) {
    if (tty) process.stdout.write("\r\x1b[2K");
    say(`✗ ${title} (${elapsed()})`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}
