import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { startWorld, type World } from '../testing/world.ts';

/** The examples of docs/subscribing.md, as they stand there. */

const guide = readFileSync(join(import.meta.dirname, '../../../../docs/subscribing.md'), 'utf8');
const blockOf = (language: string, containing: string): string => {
  const blocks = [...guide.matchAll(/```(\w+)\n([\s\S]*?)```/g)].filter(([, name]) => name === language);
  const found = blocks.map(([, , code = '']) => code).find((code) => code.includes(containing));
  assert.ok(found, `docs/subscribing.md has no such example in ${language}`);
  return found;
};

let world: World;
let folder: string;

before(async () => {
  world = await startWorld();
  // What is in force is not known in the first moments.
  await world.partnership.write([await world.partnership.entry(0, {})]);
  await world.end();
  folder = mkdtempSync(join(tmpdir(), 'causeway-subscribing-'));
});

after(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = (command: string, args: string[], cursorFile: string, more: Record<string, string> = {}) =>
  spawn(command, args, {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      GATEWAY: world.url,
      ACCESS_TOKEN: world.token,
      CURSOR_FILE: cursorFile,
      ...more,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });

const write = async (count: number): Promise<string[]> => {
  const entries = await Promise.all(
    Array.from({ length: count }, (_, index) => world.partnership.entry(index % 6, {})),
  );
  await world.partnership.write(entries);
  return entries.map(({ headers }) => headers.ce_id ?? '');
};

type Lines = AsyncIterator<string>;

const linesOf = (child: ChildProcess): Lines => {
  assert.ok(child.stdout);
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
};

/** The next lines of a process. */
const take = async (lines: Lines, count: number): Promise<string[]> => {
  const taken: string[] = [];
  while (taken.length < count) {
    const { value, done } = await lines.next();
    assert.ok(!done, 'the example ended');
    taken.push(value);
  }
  return taken;
};

const end = async (child: ChildProcess): Promise<void> => {
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
};

/** Starts it, kills it in the middle, starts it again: everything must have come. */
const consumesAll = async (command: string, args: string[], cursorFile: string): Promise<void> => {
  writeFileSync(join(folder, cursorFile), await world.end());
  const expected = await write(4);
  const first = start(command, args, cursorFile);
  const seen = await take(linesOf(first), 4);
  await end(first);
  expected.push(...(await write(3)));
  const second = start(command, args, cursorFile);
  const lines = linesOf(second);
  seen.push(...(await take(lines, 3)));
  // What it had not noted before it was killed comes once more.
  for (const missing = () => expected.filter((id) => !seen.includes(id)); missing().length > 0; )
    seen.push(...(await take(lines, 1)));
  await end(second);
  assert.deepEqual([...new Set(seen)].toSorted(), expected.toSorted());
};

test('the TypeScript consumer gets every event, also after it was killed', async () => {
  writeFileSync(join(folder, 'consumer.ts'), blockOf('ts', 'handle(event)'));
  await consumesAll(process.execPath, ['consumer.ts'], 'cursor-ts.txt');
});

test('the Python consumer gets every event, also after it was killed', async () => {
  writeFileSync(join(folder, 'consumer.py'), blockOf('python', 'def handle'));
  await consumesAll('python3', ['consumer.py'], 'cursor-py.txt');
});

test('curl reads a page, goes on behind it, and acknowledges an event', async () => {
  writeFileSync(join(folder, 'cursor-curl.txt'), await world.end());
  const script = blockOf('sh', 'page.json');
  const page = async (): Promise<{ events: { id: string; position: string }[] }> => {
    const child = start('sh', ['-c', script], 'cursor-curl.txt');
    return JSON.parse(await text(child.stdout));
  };
  const first = await write(1);
  const { events } = await page();
  assert.deepEqual(
    events.map(({ id }) => id),
    first,
  );
  const second = await write(2);
  assert.deepEqual((await page()).events.map(({ id }) => id).toSorted(), second.toSorted());
  const [event] = events;
  const acknowledge = start('sh', ['-c', blockOf('sh', 'acknowledgements')], 'cursor-curl.txt', {
    POSITION: event?.position ?? '',
    EVENT_ID: event?.id ?? '',
  });
  assert.deepEqual(JSON.parse(await text(acknowledge.stdout)), { id: event?.id });
});
