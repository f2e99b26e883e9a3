import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runLoop } from '@causeway/runtime/async/run-loop';
import { AUDIT_LEDGER_TOPIC, CHECKPOINTS_TOPIC, LANES, topicsOf } from '@causeway/runtime/bus/topics';
import { errorCode } from '@causeway/runtime/errors';
import type { Bounds } from '@causeway/runtime/kafka/broker-client';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import { type Reader, readToEnd } from '@causeway/runtime/kafka/reader';
import { lastRecord } from '@causeway/runtime/ledger/chain-head';
import { type Checkpoint, checkpointText, openCheckpoint } from '@causeway/runtime/ledger/checkpoint';
import { GENESIS, startOfChain, verifyRecord } from '@causeway/runtime/ledger/ledger-record';
import { type NoteSigner, noteVerifiers } from '@causeway/runtime/ledger/signed-note';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import { publishKeys } from './keys.ts';

export type Checkpointer = {
  /** The latest note that this process has signed or taken over. */
  latest(): string | undefined;
  /** Every key that has signed here, as `verifier.txt` has them; in the first moments those that sign now. */
  keys(): string;
  /** When the latest was signed (milliseconds), and which ledgers are not whole, as `<topic>/<partition>`. */
  standing(): { signedAt: number | undefined; broken: string[] };
  close(): Promise<void>;
};

type CheckpointerParts = {
  kafka: Kafka;
  signer: NoteSigner;
  organisations: { all(): { id: string }[] };
  /** A folder that is not in the cluster: better on a machine that the cluster's administrators cannot write. */
  directory: string;
  log: Logger;
  metrics: Metrics;
  /** Puts a change of keys where it cannot be taken back. */
  record?: (keys: string[]) => Promise<void>;
  everyMs?: number;
  now?: () => Date;
};

const EVERY_MS = 60_000;
/** Another instance has signed less than this part of the interval ago: its note does for both. */
const RECENT_PART = 0.75;

type Head = { records: number; next: number; head: Buffer; broken: boolean };

/**
 * Once a minute checks every ledger from its last checkpoint on and signs how far it has come. A chain that is not whole
 * keeps the head of its last good checkpoint: nothing is ever signed that was not checked.
 */
export const startCheckpointer = (parts: CheckpointerParts): Checkpointer => {
  const { kafka, signer, organisations, directory, log, metrics } = parts;
  const { everyMs = EVERY_MS, now = () => new Date() } = parts;
  let keys: string | undefined;
  const stop = new AbortController();
  const heads = new Map<string, Head>();
  let last: { at: number; note: string } | undefined;

  /** The chains at the last checkpoint, by this process or another. */
  const takeOver = async (reader: Reader) => {
    const record = await lastRecord(reader, { topic: CHECKPOINTS_TOPIC, partition: 0 });
    const note = record?.value.toString('utf8') ?? '';
    const opened = record ? openCheckpoint(note, noteVerifiers(keysNow())) : undefined;
    if (!opened || note === last?.note) return;
    if ('problem' in opened)
      return log.warn(
        { event: 'checkpoint.unreadable', problem: opened.problem },
        'Last checkpoint unreadable',
      );
    for (const { name, records, next, head } of opened.heads)
      if (records > (heads.get(name)?.records ?? 0))
        heads.set(name, { records, next, head: Buffer.from(head, 'base64url'), broken: false });
    last = { at: Date.parse(opened.at), note };
    await keep(opened, note);
  };

  const fail = (name: string, head: Head, problem: string, offset: number) => {
    if (!head.broken)
      log.error(
        { event: 'ledger.broken', ledger: name, offset, problem },
        'A ledger chain is broken: find out who wrote to it, and verify an export',
      );
    head.broken = true;
    metrics.ledgerProblems.inc({ ledger: name });
  };

  const advance = async (reader: Reader, topic: string, { partition, start, end }: Bounds) => {
    const name = `${topic}/${partition}`;
    const head = heads.get(name) ?? { records: 0, next: 0, head: GENESIS, broken: false };
    heads.set(name, head);
    if (head.broken || end === head.next) return;
    if (end < head.next) return fail(name, head, 'it ends before its last checkpoint', end);
    let chain = { sequence: head.records, head: head.head, next: 0 };
    for await (const { offset, value } of readToEnd(reader, { topic, partition }, head.next)) {
      if (stop.signal.aborted) return;
      // Retention took what was never signed: what is left is vouched for from here on.
      const later = start > head.next ? startOfChain(value) : undefined;
      if (later && later.sequence > chain.sequence && chain.sequence === head.records) chain = later;
      const result = verifyRecord(chain, value, { topic, partition });
      if ('problem' in result) return fail(name, head, result.problem, offset);
      chain = result.chain;
      Object.assign(head, { records: chain.sequence, head: chain.head, next: offset + 1 });
    }
  };

  const advanceAll = async (reader: Reader, topic: string, partitions: number[]) => {
    for (const bounds of await reader.bounds(topic, partitions)) await advance(reader, topic, bounds);
  };

  const keep = async ({ at }: Checkpoint, note: string) => {
    await mkdir(directory, { recursive: true });
    await appendFile(join(directory, `${at.slice(0, 10)}.notes`), note, { flush: true });
  };

  const sign = async () => {
    const reader = kafka.reader();
    const producer = kafka.producer();
    try {
      keys ??= await publishKeys(directory, signer, now(), parts.record);
      await takeOver(reader);
      if (last && now().getTime() - last.at < RECENT_PART * everyMs) return;
      const lanes = Array.from({ length: LANES }, (_, lane) => lane);
      await advanceAll(reader, AUDIT_LEDGER_TOPIC, [0]);
      for (const { id } of organisations.all()) {
        if (stop.signal.aborted) return;
        // An organisation is announced before its topics are made.
        await advanceAll(reader, topicsOf(id).ledger, lanes).catch((error) =>
          log.debug(
            { organisation: id, code: errorCode(error) },
            'A ledger cannot be read for the checkpoint',
          ),
        );
      }
      if (stop.signal.aborted) return;
      const checkpoint = {
        at: now().toISOString(),
        heads: [...heads]
          .filter(([, { records }]) => records > 0)
          .map(([name, { records, next, head }]) => ({
            name,
            records,
            next,
            head: head.toString('base64url'),
          }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
      };
      const note = signer.sign(checkpointText(checkpoint));
      // Outside first: what the cluster holds is then never more than what is kept elsewhere.
      await keep(checkpoint, note);
      await producer.send([{ topic: CHECKPOINTS_TOPIC, partition: 0, value: Buffer.from(note) }]);
      last = { at: now().getTime(), note };
    } finally {
      await Promise.allSettled([reader.close(), producer.close()]);
    }
  };

  const running = runLoop({
    name: 'checkpoints',
    signal: stop.signal,
    async step() {
      await sign();
      metrics.checkpoints.inc({ outcome: 'signed' });
      return everyMs;
    },
    retryMs: everyMs,
    log,
    metrics,
    onError: () => metrics.checkpoints.inc({ outcome: 'failed' }),
  });
  const keysNow = () => keys ?? `${signer.verifierKeys.join('\n')}\n`;

  return {
    latest: () => last?.note,
    keys: keysNow,
    standing: () => ({
      signedAt: last?.at,
      broken: [...heads].filter(([, { broken }]) => broken).map(([name]) => name),
    }),
    close: async () => {
      stop.abort();
      await running;
    },
  };
};
