import { describe, expect, test } from "vitest";
import { BodyMemory } from "../../../sidecar/http/body.ts";
import { Deadlines } from "../../../sidecar/http/deadlines.ts";
import { errorName, HTTP_ERRORS } from "../../../sidecar/http/errors.ts";
import { createIds } from "../../../sidecar/http/request-ids.ts";

test("ids are UUIDv7s of the clock, and no random byte is used twice", () => {
  let drawn = 0;
  const next = createIds(
    () => 1_764_000_000_000,
    (size) => {
      drawn += size;
      return Uint8Array.from({ length: size }, (_, i) => (i * 31 + drawn) & 0xff);
    },
  );
  const ids = Array.from({ length: 900 }, next);
  for (const id of ids) expect(id).toMatch(/^019ab697-e800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(drawn).toBeGreaterThanOrEqual(9_000);
});

describe("Deadlines", () => {
  const deadlines = new Deadlines(1_000_000);
  test("what is late expires once, what is taken away never", () => {
    const calls: string[] = [];
    const deadline = (name: string, at: number) => ({ at, expire: () => void calls.push(name) });
    const taken = deadline("taken", 1);
    deadlines.add(deadline("early", 1));
    deadlines.add(deadline("late", 10));
    deadlines.add(taken);
    deadlines.delete(taken);
    deadlines.check(5);
    deadlines.check(6);
    expect(calls).toEqual(["early"]);
    deadlines.check(11);
    expect(calls).toEqual(["early", "late"]);
  });
  test("one that moves itself on stays", () => {
    let count = 0;
    const moving = {
      at: 20,
      expire() {
        moving.at = 30;
        count++;
      },
    };
    deadlines.add(moving);
    deadlines.check(25);
    deadlines.check(26);
    deadlines.check(31);
    expect(count).toBe(2);
    deadlines.close();
  });
});

test("memory is given out up to its limit, and comes back", () => {
  const memory = new BodyMemory(10);
  expect([memory.take(6), memory.take(5), memory.take(4)]).toEqual([true, false, true]);
  memory.give(6);
  expect(memory.used).toBe(4);
});

test("every status that is sent has an error name, and every code a sentence", () => {
  for (const status of [400, 403, 404, 405, 408, 413, 414, 417, 431, 500, 502, 503, 504]) expect(errorName(status)).toMatch(/^[a-z_]+$/);
  for (const [code, sentence] of Object.entries(HTTP_ERRORS)) expect(sentence, code).toMatch(/^[A-Z].*\.$/);
});
