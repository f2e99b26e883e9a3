import { connect, type Socket } from 'node:net';
import { EXAMPLE_CHILDREN, exampleAdult, exampleChild } from '@causeway/schemas/identifiers/example-people';
import pg from 'pg';
import { createSender } from '../../services/adapters/nhs-mesh/src/sender.ts';
import { nemsMessage, workflowOf } from '../../services/adapters/nhs-mesh/src/synthetic.ts';
import { stayMessage } from '../../services/adapters/nhs-trust/src/simulator/synthetic.ts';
import { createReportingRms } from '../../services/adapters/police-records/src/simulator.ts';
import { missingChild } from '../../services/adapters/police-records/src/synthetic.ts';
import { clientSecretName, systemClient } from '../dev/oidc-provider/oidc.ts';
import type { System } from '../dev/system.ts';

/**
 * The way in which a legacy system hands one thing over to its adapter. Each thing is one event that has just happened: for older ones
 * partners would be told that they are overdue, which are events of their own.
 */
export type Door = {
  /** The adapter behind it. */
  service: string;
  organisation: string;
  /** Of the event that comes of it. */
  type: string;
  /** Its share of what the three organisations' systems say in a day. */
  daily: number;
  /** Resolves when the adapter, or what it fetches from, has taken the thing. */
  put(number: number): Promise<void>;
  close(): Promise<void>;
};

const FS = 0x1c;

/** A day of one council, one trust and one force: nearly all of it is the hospital's feed. */
const DAILY = { trust: 0.9, police: 0.05, council: 0.03, mesh: 0.02 };

/** Nobody dies twice. */
const FIRST_MORTAL = 100_000;

/** Sender of an integration engine: its connections each send one message at a time. */
const hospital = (system: System): Door => {
  const url = new URL(system.endpoints['nhs-trust']?.url ?? '');
  const free: Socket[] = [];
  const send = async (framed: Buffer): Promise<string> => {
    const socket = free.pop() ?? connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    const answer = await new Promise<string>((resolve, reject) => {
      let said = '';
      const failed = () => reject(new Error('the hospital adapter hung up'));
      socket.once('close', failed).on('error', failed);
      socket.on('data', function more(data: Buffer) {
        said += data.toString('latin1');
        if (!data.includes(FS)) return;
        socket.off('data', more).off('close', failed).off('error', failed);
        resolve(said);
      });
      socket.write(framed);
    });
    free.push(socket);
    return /MSA\|(\w\w)/.exec(answer)?.[1] ?? '';
  };
  return {
    service: 'nhs-trust',
    organisation: 'westshire-nhs-trust',
    type: 'uk.causeway.nhs.inpatient-admission.recorded.v1',
    daily: DAILY.trust,
    async put(number) {
      const message = stayMessage({ trigger: 'A01', stay: number, controlId: `B${number}`, at: new Date() });
      const code = await send(Buffer.concat([Buffer.from([0x0b]), message, Buffer.from([FS, 0x0d])]));
      if (code !== 'AA') throw new Error(`the hospital adapter answers ${code}`);
    },
    close: async () => {
      for (const socket of free) socket.destroy();
    },
  };
};

const force = ({ endpoints, parts }: System): Door => {
  const clientId = systemClient('westshire-police', 'rms');
  const rms = createReportingRms({
    url: endpoints['police-records']?.url ?? '',
    issuer: parts.connections.OIDC_ISSUER,
    clientId,
    clientSecret: parts.secrets.get(clientSecretName(clientId)),
  });
  return {
    service: 'police-records',
    organisation: 'westshire-police',
    type: 'uk.causeway.police.missing-person.reported.v1',
    daily: DAILY.police,
    async put(number) {
      const story = {
        reference: `WP-BENCH-${number}`,
        at: new Date().toISOString(),
        who: number % EXAMPLE_CHILDREN,
      };
      const { status } = await rms.send(missingChild(story), `bench-${number}`);
      if (status !== 202) throw new Error(`the police adapter answers ${status}`);
    },
    close: async () => undefined,
  };
};

const council = async ({ parts }: System): Promise<Door> => {
  const pool = new pg.Pool({ connectionString: parts.connections.COUNCIL_DATABASE_URL, max: 4 });
  pool.on('error', () => undefined);
  for (let n = 0; n < EXAMPLE_CHILDREN; n += 1) {
    const { councilId, familyName, givenName, dateOfBirth, nhsNumber } = exampleChild(n);
    await pool.query(
      `insert into casework.person (person_id, family_name, given_names, date_of_birth, nhs_number, nhs_number_verified)
       values ($1, $2, $3, $4, $5, 'Y') on conflict do nothing`,
      [councilId, familyName, givenName, dateOfBirth, nhsNumber],
    );
  }
  return {
    service: 'council-social-care',
    organisation: 'westshire-council',
    type: 'uk.causeway.council.section47-enquiry.opened.v1',
    daily: DAILY.council,
    async put(number) {
      await pool.query('insert into casework.section47_enquiry (person_id, joint) values ($1, $2)', [
        exampleChild(number % EXAMPLE_CHILDREN).councilId,
        'Y',
      ]);
    },
    close: () => pool.end(),
  };
};

const national = (url: string): Door => {
  const sender = createSender(url);
  return {
    service: 'nhs-mesh',
    organisation: 'westshire-nhs-trust',
    type: 'uk.causeway.nhs.death.notified.v1',
    daily: DAILY.mesh,
    async put(number) {
      const person = exampleAdult(FIRST_MORTAL + number);
      const now = new Date().toISOString();
      const event = 'pds-death-notification-1';
      const death = { status: '1' as const, at: now.slice(0, 10) };
      await sender.send({
        body: nemsMessage({
          event,
          id: crypto.randomUUID(),
          person,
          changedAt: now,
          death,
          address: person.address,
        }),
        workflow: workflowOf(event),
      });
    },
    close: async () => undefined,
  };
};

/** Of every adapter that runs: the mailbox only where there is Python for its sandbox. */
export const openDoors = async (system: System): Promise<Door[]> => {
  const mailbox = system.endpoints['nhs-mesh']?.url;
  return [hospital(system), force(system), await council(system), ...(mailbox ? [national(mailbox)] : [])];
};
