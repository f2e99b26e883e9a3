import { type Envelope, encodeHeaders } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { type TestBus, testToken } from '@causeway/testing/bus';

export const ADMISSION = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const catalogue = loadCatalogue();

export type Arriving = Partial<Envelope> & Pick<Envelope, 'id' | 'source' | 'agreement'> & { data?: object };

/** Puts events into an inbox as the exchange does, all at once and in their order. */
export const arrive = async (bus: TestBus, recipient: string, events: readonly Arriving[]): Promise<void> => {
  const ids = new Map<string, Promise<number>>();
  const records = await Promise.all(
    events.map(async ({ data, ...about }) => {
      const type = about.type ?? ADMISSION;
      const found = catalogue.find((one) => one.type === type);
      if (found === undefined) throw new Error('there is no such type');
      const id = ids.get(type) ?? bus.codec.idOf(type, found.schema);
      ids.set(type, id);
      const value = await bus.codec.encode(await id, {
        ...(found.example.data as object),
        ...data,
      });
      const event: Envelope = {
        type,
        time: '2026-11-23T09:00:00Z',
        subject: testToken(about.id),
        tokens: [],
        otherTokens: [],
        classification: 'OFFICIAL',
        handling: [],
        exclude: [],
        replay: false,
        ...about,
      };
      return {
        topic: topicsOf(recipient).inbox,
        key: event.subject,
        value,
        headers: encodeHeaders(event, 'inbox'),
      };
    }),
  );
  await bus.producer.send(records);
};
