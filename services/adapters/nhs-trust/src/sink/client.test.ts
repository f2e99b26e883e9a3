import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Behaviour, receiveDocuments } from '../simulator/sink-simulator.ts';
import { createEngineClient } from './client.ts';
import { outcomeOf } from './sink.ts';

const never = new AbortController().signal;

const message = (controlId: string): Buffer =>
  Buffer.from(`MSH|^~\\&|CAUSEWAY||EPR||||MDM^T02^MDM_T02|${controlId}|T|2.4\rTXA|1|CN\r`, 'latin1');

const clientOf = async (t: TestContext, behaviours: Behaviour[]) => {
  const engine = await receiveDocuments({ port: 0, lateMs: 1_500, behave: () => behaviours.shift() ?? 'AA' });
  const client = createEngineClient({
    host: '127.0.0.1',
    port: engine.port,
    answerMs: 1_000,
    connectMs: 1_000,
  });
  t.after(async () => {
    client.close();
    await engine.close();
  });
  const send = (controlId: string) => client.send(message(controlId), controlId, never);
  return { engine, client, send };
};

test('an answer that names another message is no answer', async (t) => {
  const { send } = await clientOf(t, ['other-id']);
  assert.deepEqual(await send('ONE'), { kind: 'no-answer' });
  assert.equal((await send('TWO')).kind, 'answered');
});

test('an answer that comes too late is not taken for the answer to the next message', async (t) => {
  const { send, engine } = await clientOf(t, ['late']);
  assert.deepEqual(await send('ONE'), { kind: 'no-answer' });
  const answer = await send('TWO');
  assert.ok(answer.kind === 'answered' && answer.code === 'AA');
  assert.deepEqual(engine.came, ['ONE', 'TWO']);
});

test('silence and a closed connection are no answer, and the next message goes out on a new connection', async (t) => {
  const { send } = await clientOf(t, ['nothing', 'hang-up']);
  assert.deepEqual(await send('ONE'), { kind: 'no-answer' });
  assert.deepEqual(await send('TWO'), { kind: 'no-answer' });
  assert.equal((await send('THREE')).kind, 'answered');
});

test('one message is in flight at a time', async (t) => {
  const { client, engine } = await clientOf(t, []);
  const answers = await Promise.all(['A', 'B', 'C'].map((id) => client.send(message(id), id, never)));
  assert.ok(answers.every(({ kind }) => kind === 'answered'));
  assert.deepEqual(engine.came, ['A', 'B', 'C']);
});

test('an engine that is not there is told from one that does not answer', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => server.close(resolve));
  const client = createEngineClient({ host: '127.0.0.1', port, answerMs: 100, connectMs: 500 });
  assert.deepEqual(await client.send(message('ONE'), 'ONE', never), { kind: 'unreachable' });
});

test('what AE and AR mean is set for each engine', () => {
  const answered = (code: string) => ({ kind: 'answered', code, text: undefined }) as const;
  const strict = { error: 'retry', reject: 'refuse' } as const;
  assert.equal(outcomeOf(answered('AA'), strict).outcome, 'delivered');
  assert.equal(outcomeOf(answered('CA'), strict).outcome, 'delivered');
  assert.equal(outcomeOf(answered('AE'), strict).outcome, 'retry');
  assert.equal(outcomeOf(answered('AR'), strict).outcome, 'refused');
  assert.equal(outcomeOf(answered('AR'), { error: 'refuse', reject: 'retry' }).outcome, 'retry');
  assert.equal(outcomeOf({ kind: 'unreachable' }, strict).outcome, 'unreachable');
});
