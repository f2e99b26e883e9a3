import { hostname } from 'node:os';
import { createCodec } from '@causeway/runtime/avro/codec';
import { LANES_GROUP, LANES_TOPIC } from '@causeway/runtime/bus/topics';
import { connectKafka, kafkaOptions } from '@causeway/runtime/kafka/connect';
import { followAgreements } from '@causeway/runtime/reference-data/agreements';
import { followOrganisations } from '@causeway/runtime/reference-data/organisations';
import { followPeople } from '@causeway/runtime/reference-data/people';
import { type Config, kafkaSettings, registrySettings } from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import { createLanes } from './lanes.ts';
import { createPreparer } from './prepare-views.ts';
import { type Redriver, startRedriver } from './redrive.ts';
import { createRules } from './rules.ts';
import { createViews } from './views.ts';

export const settings = { ...kafkaSettings, ...registrySettings };

/** Wires the exchange: agreements and events in, releases and the ledger out, in lanes shared among instances. */
export const startExchange = async ({
  config,
  log,
  metrics,
  onStop,
  readiness,
  fail,
}: Context<Config<typeof settings>>): Promise<void> => {
  const kafka = connectKafka(kafkaOptions(config, `exchange@${hostname()}`), log);
  onStop('kafka', () => kafka.close());
  const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }, log);
  const agreements = followAgreements(kafka, log, metrics);
  const organisations = followOrganisations(kafka, log, metrics);
  const people = followPeople(kafka, organisations, log, metrics);
  onStop('followers', async () => {
    await Promise.all([agreements.close(), organisations.close(), people.close()]);
  });
  await Promise.all([agreements.caughtUp, organisations.caughtUp, people.caughtUp]);

  const views = createViews(codec);
  const prepareViews = createPreparer(views, agreements, log);
  const makeRuling = createRules(agreements, organisations, people);
  const rules = () => {
    void prepareViews();
    return makeRuling();
  };
  const lanes = createLanes({ kafka, codec, views, rules, agreements, organisations, people, log, metrics });
  onStop('lanes', () => lanes.close());
  const redrive = redriveBy(() => startRedriver({ kafka, organisations, log, metrics }));
  onStop('redrive', () => redrive.close());
  const assigned = (numbers: number[]) => {
    lanes.assign(numbers);
    redrive.assign(numbers);
  };
  const membership = await kafka.lanes(LANES_GROUP, LANES_TOPIC, { assigned, failed: fail });
  onStop('membership', () => membership.close());
  readiness('lanes', async () => lanes.check());
};

/** One instance does it: the one that has the first lane. */
const redriveBy = (start: () => Redriver) => {
  let running: Redriver | null = null;
  let ending: Promise<void> = Promise.resolve();
  const end = () => {
    const ended = running;
    running = null;
    if (ended) ending = ended.close();
    return ending;
  };
  return {
    assign: (lanes: number[]) => {
      if (!lanes.includes(0)) void end();
      else running ??= start();
    },
    close: end,
  };
};
