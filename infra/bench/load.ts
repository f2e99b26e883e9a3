import { createCodec } from '@causeway/runtime/avro/codec';
import { type Envelope, encodeHeaders, eventId } from '@causeway/runtime/bus/envelope';
import type { KafkaRecord } from '@causeway/runtime/kafka/broker-client';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { ADMISSION, connectionsOf, type World } from './world.ts';

const SUBJECTS = 1_000;

export type Load = {
  value: Buffer;
  /** A new event, as an adapter publishes it: every header, and the catalogue's example as its data. */
  record(source: string, topic?: string): KafkaRecord;
  /** The same as a system without an adapter sends it to the gateway. */
  cloudEvent(source: string): object;
};

export const createLoad = async (world: Pick<World, 'system'>): Promise<Load> => {
  const { SCHEMA_REGISTRY_URL } = connectionsOf(world.system);
  const codec = createCodec({ registryUrl: SCHEMA_REGISTRY_URL }, createLogger('bench', 'error'));
  const type = loadCatalogue().find((entry) => entry.type === ADMISSION);
  if (!type) throw new Error(`the catalogue has no ${ADMISSION}`);
  const value = await codec.encode(await codec.idOf(type.type, type.schema), type.example.data);
  const token = (text: string) => eventId(['bench'], Buffer.from(text), 0);
  let number = 0;
  const next = () => {
    number += 1;
    return { id: token(`event ${number}`), subject: token(`subject ${number % SUBJECTS}`) };
  };
  return {
    value,
    cloudEvent: (source) => ({
      specversion: '1.0',
      ...next(),
      source: `/${source}/bench`,
      type: ADMISSION,
      time: '2026-10-05T14:20:00+01:00',
      recordedtime: '2026-10-05T14:26:41+01:00',
      dataclassification: 'OFFICIAL-SENSITIVE',
      priority: 'routine',
      data: type.example.data,
    }),
    record: (source, topic = `outbox.${source}`) => {
      const { id, subject } = next();
      const event: Envelope = {
        id,
        source: `/${source}/bench`,
        type: ADMISSION,
        time: '2026-10-05T14:20:00+01:00',
        recordedTime: '2026-10-05T14:26:41+01:00',
        subject,
        tokens: [subject],
        otherTokens: [],
        classification: 'OFFICIAL-SENSITIVE',
        handling: [],
        exclude: [],
        priority: 'routine',
        replay: false,
        agreement: [],
      };
      return { topic, key: subject, value, headers: encodeHeaders(event, 'outbox') };
    },
  };
};
