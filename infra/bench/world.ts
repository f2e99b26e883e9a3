import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKafka, type Kafka } from '@causeway/runtime/kafka';
import { createLogger } from '@causeway/runtime/log';
import { stringify } from 'yaml';
import { freePorts } from '../local/settings.ts';
import { type System, startSystem } from '../local/system.ts';

export const SOURCE = 'westshire-nhs-trust';
export const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
export const DISCHARGE = 'uk.causeway.nhs.patient-discharge.recorded.v1';

export type World = { system: System; kafka: Kafka; recipients: string[]; stop(): Promise<void> };

/** A system of its own with the named services, ten recipients, admissions to one of them and discharges to all. */
export const startWorld = async (services: string[]): Promise<World> => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-bench-'));
  const organisationsDir = join(home, 'organisations');
  const agreementsDir = join(home, 'agreements');
  for (const directory of [organisationsDir, agreementsDir]) mkdirSync(directory);
  const recipients = Array.from(
    { length: 10 },
    (_, index) => `council-${String(index + 1).padStart(2, '0')}`,
  );
  for (const id of [SOURCE, ...recipients])
    writeFileSync(
      join(organisationsDir, `${id}.yaml`),
      stringify({ id, name: id, kind: 'other', handlingAccepted: [], dutyContacts: [] }),
    );
  const fields = [
    'person.name',
    'person.dateOfBirth',
    'person.identifiers.nhsNumber',
    'visitId',
    'admittedAt',
  ];
  writeAgreement(agreementsDir, 'to-one', recipients.slice(0, 1), ADMISSION, fields);
  writeAgreement(agreementsDir, 'to-all', recipients, DISCHARGE, fields);
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

const writeAgreement = (directory: string, id: string, to: string[], type: string, fields: string[]) => {
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
    title: `Benchmark ${id}`,
    from: SOURCE,
    to,
    parties: Object.fromEntries([SOURCE, ...to].map((party_) => [party_, party])),
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
    release: { [type]: { fields } },
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
