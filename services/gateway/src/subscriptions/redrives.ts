import { randomBytes } from 'node:crypto';
import { subscriptionOrigin } from '@causeway/runtime/bus/dead-letter-reader';
import { deliveryRecord } from '@causeway/runtime/bus/delivery-log';
import type { RedriveRequest } from '@causeway/runtime/bus/redrive-request';
import type { Delivery, DeliveryParts } from '@causeway/runtime/delivery/delivery';
import { followRedrives, type Redriven, type Redriver } from '@causeway/runtime/delivery/redrive-worker';
import type { Clock } from '@causeway/runtime/delivery/subscription';
import { errorCode, PermanentError } from '@causeway/runtime/errors';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { COMPONENT, type DeadLetters, type Letter } from './dead-letters.ts';

/** A redrive of dead letters for the client `by`. */
export type RedriveOrder = { organisation: string; subscription: string; by: string };

export type Redrives = {
  /** Carries out the redrives that the console requests for these organisations. */
  follow(organisations: ReadonlySet<string>): void;
  /** Returns the prefix of the request ids of the new attempts. */
  order(asked: RedriveOrder, letters: readonly Letter[]): Promise<string>;
  close(): Promise<void>;
};

export const createRedrives = (
  parts: Pick<DeliveryParts, 'reader' | 'producer' | 'database' | 'log' | 'metrics'>,
  delivery: Pick<Delivery, 'store' | 'refresh'>,
  deadLetters: Pick<DeadLetters, 'redriven'>,
  clock: Pick<Clock, 'now'>,
): Redrives => {
  const { log } = parts;
  const redrivers = new Map<string, Redriver>();

  const follow = (organisations: ReadonlySet<string>): void => {
    for (const organisation of organisations)
      if (!redrivers.has(organisation))
        redrivers.set(
          organisation,
          followRedrives({
            ...parts,
            organisation,
            component: COMPONENT,
            redrive: (letter, request) => redrive(organisation, letter, request),
          }),
        );
    for (const [organisation, redriver] of redrivers) {
      if (organisations.has(organisation)) continue;
      redrivers.delete(organisation);
      void redriver.close();
    }
  };

  const redrive = async (
    organisation: string,
    record: FetchedRecord,
    { id, deadLetter }: RedriveRequest,
  ): Promise<Redriven> => {
    const { subscription, place } = subscriptionOrigin(record) ?? {};
    if (subscription === undefined || place === undefined)
      throw new PermanentError('no-origin', 'The dead letter does not name its position in the inbox');
    if (!(await delivery.store.known(subscription)))
      throw new PermanentError('no-subscription', 'The subscription was deleted');
    await delivery.store.orderRedrive({ subscription, ...place, letter: deadLetter, request: id });
    await deadLetters.redriven(organisation, [deadLetter]);
    delivery.refresh();
    return { outcome: 'queued', code: 'ok' };
  };

  /** Records the redrive for the console. The attempts record the outcome, whether or not this is written. */
  const record = async (
    organisation: string,
    by: string,
    requests: readonly [request: string, deadLetter: number][],
  ): Promise<void> => {
    const at = new Date(clock.now()).toISOString();
    const asked = { kind: 'redrive', component: COMPONENT, outcome: 'queued', code: 'ok', by, at } as const;
    await parts.producer
      .send(
        requests.map(([request, deadLetter]) =>
          deliveryRecord(organisation, { ...asked, request, deadLetter }),
        ),
      )
      .catch((error) =>
        log.warn(
          { event: 'redrive.not_recorded', organisation, code: errorCode(error) },
          'redrive not recorded',
        ),
      );
  };

  return {
    follow,
    async order({ organisation, subscription, by }, letters) {
      const batch = randomBytes(12).toString('base64url');
      const requestOf = ({ letter }: Letter) => `${batch}-${letter}`;
      for (const one of letters)
        await delivery.store.orderRedrive({ ...one, subscription, request: requestOf(one) });
      await deadLetters.redriven(
        organisation,
        letters.map(({ letter }) => letter),
      );
      delivery.refresh();
      await record(
        organisation,
        by,
        letters.map((one) => [requestOf(one), one.letter]),
      );
      return batch;
    },
    async close() {
      await Promise.all([...redrivers.values()].map((one) => one.close()));
    },
  };
};
