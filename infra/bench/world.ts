import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKafka, type Kafka } from '@causeway/runtime/kafka/connect';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { stringify } from 'yaml';
import { freePorts } from '../common/ports.ts';
import { type System, startSystem } from '../dev/system.ts';

/** The nhs-trust adapter's organisation, and beside it sources whose events go to one, three and ten recipients. */
export const SOURCE = 'westshire-nhs-trust';
export const SOURCES = { 1: 'source-of-one', 3: 'source-of-three', 10: 'source-of-ten' } as const;
export const GENERALISING_SOURCE = 'source-of-ten-general';
export const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';

export type World = {
  home: string;
  system: System;
  kafka: Kafka;
  recipients: string[];
  stop(): Promise<void>;
};

/** A system of its own with the named services, ten recipients, and an agreement for each source. */
export const startWorld = async (services: string[]): Promise<World> => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-bench-'));
  const organisationsDir = join(home, 'organisations');
  const agreementsDir = join(home, 'agreements');
  for (const directory of [organisationsDir, agreementsDir]) mkdirSync(directory);
  const recipients = Array.from(
    { length: 10 },
    (_, index) => `council-${String(index + 1).padStart(2, '0')}`,
  );
  for (const id of [SOURCE, ...Object.values(SOURCES), GENERALISING_SOURCE, ...recipients])
    writeFileSync(
      join(organisationsDir, `${id}.yaml`),
      stringify({ id, name: id, kind: 'other', handlingAccepted: [], dutyContacts: [] }),
    );
  const to = (count: number) => recipients.slice(0, count);
  writeAgreement(agreementsDir, SOURCE, to(1));
  for (const [count, source] of Object.entries(SOURCES))
    writeAgreement(agreementsDir, source, to(Number(count)));
  writeAgreement(agreementsDir, GENERALISING_SOURCE, to(10), { 'person.address.postcode': 'outcode' });
  const system = await startSystem({
    home,
    environment: {},
    ports: freePorts(),
    simulators: false,
    agreementsDir,
    organisationsDir,
    services,
    say: () => {},
    onFailed: (error) => {
      throw error;
    },
  });
  const { KAFKA_BROKERS, KAFKA_USERNAME, KAFKA_PASSWORD } = connectionsOf(system);
  const kafka = connectKafka(
    {
      brokers: KAFKA_BROKERS.split(','),
      username: KAFKA_USERNAME,
      password: KAFKA_PASSWORD,
      clientId: 'bench',
    },
    createLogger('bench', 'error'),
  );
  return {
    home,
    system,
    kafka,
    recipients,
    stop: async () => {
      await kafka.close();
      await system.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
};

export const connectionsOf = ({ parts }: System) => parts.connections;

const FIELDS = ['person.name', 'person.dateOfBirth', 'person.identifiers.nhsNumber', 'visitId', 'admittedAt'];

export const agreementOf = (source: string): string => `from-${source}`;

export const writeAgreement = (
  directory: string,
  from: string,
  to: string[],
  generalise: Record<string, string> = {},
  id = agreementOf(from),
) => {
  const party = {
    regime: 'uk-gdpr',
    article6: 'public-task',
    article9: 'health-or-social-care',
    approvedBy: 'nobody: a benchmark',
    approvedAt: '2026-01-01',
  };
  const agreement = {
    id,
    version: 1,
    status: 'active',
    title: `Benchmark ${from}`,
    from,
    to,
    parties: Object.fromEntries([from, ...to].map((party_) => [party_, party])),
    purpose: 'hospital-discharge',
    gateways: ['care-act-2014-s6'],
    confidentiality: 'statute',
    dpia: { reference: 'none', approvedAt: '2026-01-01' },
    recipient: { retention: 'P1D', onward: 'barred' },
    disclosureToSubject: 'allowed',
    valid: { from: '2026-01-01', until: '2099-12-31', review: '2099-06-01', graceDays: 0 },
    marking: { ceiling: 'OFFICIAL-SENSITIVE', handling: [] },
    contacts: { dataProtection: 'dpo@trust.example', incident: '01632 960000' },
    audience: 'all',
    release: { [ADMISSION]: { fields: FIELDS, generalise } },
  };
  writeFileSync(join(directory, `${id}.yaml`), stringify(agreement, { aliasDuplicateObjects: false }));
};

/** Resident memory of a process, megabytes; null where the system does not tell. */
export const residentMb = (pid: number | undefined): number | null => {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return Math.round((pages * 4_096) / 2 ** 20);
  } catch {
    return null;
  }
};

const TICKS_PER_SECOND = 100;

/** Processor time that a process and its children have used, milliseconds; NaN where the system does not tell. */
export const cpuMs = (pid: number | undefined): number => {
  try {
    // Its own, user and system, and that of the children which have ended.
    const used = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 15) ?? [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    const running = children.map((child) => cpuMs(Number(child)) || 0);
    return sum(used.map(Number)) * (1_000 / TICKS_PER_SECOND) + sum(running);
  } catch {
    return Number.NaN;
  }
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
