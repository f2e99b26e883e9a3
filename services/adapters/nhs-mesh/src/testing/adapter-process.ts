/** The adapter as a process of its own on the bus of a test, and what it left there. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeHeaders } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { type RunningAdapter, runAdapter } from '@causeway/testing/adapter-process';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { freePort } from '@causeway/testing/free-port';

export const PARTNERSHIP_KEY = randomBytes(32).toString('base64url');

const agreementOf = (from: string, to: string): string => `
id: everything-${from}
version: 1
status: active
title: Every type of the national index, for a test
from: ${from}
to: [${to}]
parties:
  ${from}: { regime: uk-gdpr, article6: public-task, article9: health-or-social-care, approvedBy: Guardian, approvedAt: 2026-09-01 }
  ${to}: { regime: uk-gdpr, article6: public-task, article9: health-or-social-care, approvedBy: Director, approvedAt: 2026-09-03 }
purpose: record-accuracy
gateways: [care-act-2014-s6]
confidentiality: statute
dpia: { reference: DPIA-1, approvedAt: 2026-08-20 }
recipient: { retention: P2Y, onward: ask-source }
disclosureToSubject: allowed
valid: { from: 2026-10-01, until: 2036-09-30, review: 2036-06-01, graceDays: 30 }
marking: { ceiling: OFFICIAL-SENSITIVE, handling: [] }
contacts: { dataProtection: dpo@trust.example, incident: 01632 960001 }
audience: all
release:
  uk.causeway.nhs.death.notified.v1: { fields: [status] }
  uk.causeway.nhs.birth.notified.v1: { fields: [outcome] }
  uk.causeway.nhs.change-of-address.notified.v1: { fields: [movedOn] }
  uk.causeway.nhs.demographics.amended.v1: { fields: [amended] }
`;

export type Mesh = Awaited<ReturnType<typeof createMesh>>;

/** An organisation on the bus, whose adapter can be started, killed and started again. */
export const createMesh = async (url: string, more: Record<string, string> = {}) => {
  const bus: TestBus = await createTestBus(2);
  const [organisation = '', partner = ''] = bus.organisations;
  const topics = topicsOf(organisation);
  await bus.activate(agreementOf(organisation, partner));
  const started: RunningAdapter[] = [];
  let admin = '';

  const asked = (path: string) => fetch(admin + path);
  const isReady = () =>
    asked('/ready').then(
      ({ ok }) => ok,
      () => false,
    );

  const start = async ({ ready = true } = {}): Promise<void> => {
    const adminPort = await freePort();
    admin = `http://127.0.0.1:${adminPort}`;
    const adapter = runAdapter(bus, organisation, new URL('../..', import.meta.url), {
      ADMIN_PORT: String(adminPort),
      LOG_LEVEL: 'trace',
      PARTNERSHIP_KEY,
      NHS_MESH_URL: url,
      NHS_MESH_POLL_MS: '50',
      NHS_MESH_DATABASE_SCHEMA: `mesh_${organisation.replaceAll('-', '_')}`,
      ...more,
    });
    started.push(adapter);
    while (ready && adapter.running() && !(await isReady())) await delay(20);
  };

  return {
    bus,
    organisation,
    topics,
    start,
    isReady,
    metrics: async () => (await asked('/metrics')).text(),
    readiness: async () => (await asked('/ready')).text(),
    output: () => started.map((adapter) => adapter.log()).join(''),
    kill: () => void started.at(-1)?.kill(),
    ended: () => started.at(-1)?.ended(),
    terminate: () => void started.at(-1)?.stop(),
    outbox: async () =>
      (await bus.records(topics.outbox)).map((record) => ({ record, event: decodeHeaders(record.headers) })),
    deadLetters: () => bus.records(topics.deadLetter),
    close: async () => {
      await started.at(-1)?.kill();
      await bus.close();
    },
  };
};

/** Until it holds; the test's own time-out ends what never does. */
export const until = async (condition: () => Promise<boolean> | boolean): Promise<void> => {
  while (!(await condition())) await delay(20);
};
