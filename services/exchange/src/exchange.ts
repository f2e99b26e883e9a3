import { hostname } from 'node:os';
import type { Loop } from '@causeway/runtime/async/run-loop';
import { createCodec } from '@causeway/runtime/avro/codec';
import { connectKafka, kafkaOptions } from '@causeway/runtime/kafka/connect';
import { followAgreements } from '@causeway/runtime/reference-data/agreements';
import { followOrganisations } from '@causeway/runtime/reference-data/organisations';
import { followPeople } from '@causeway/runtime/reference-data/people';
import { type Config, kafkaSettings, registrySettings } from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import { type LaneNames, laneNames } from './lane-names.ts';
import { createLanes } from './lanes.ts';
import { createPolicyInputs } from './policy-inputs.ts';
import { createPreparer } from './prepare-views.ts';
import { startRedriver } from './redrive.ts';
import { createViews } from './views.ts';

export const settings = { ...kafkaSettings, ...registrySettings };

/** What one exchange works; by default everything on its bus. Tests that share a broker have an exchange each. */
type ExchangeScope = { names: LaneNames; includes(organisation: string): boolean };

const WHOLE_BUS: ExchangeScope = { names: laneNames(), includes: () => true };

/** Wires the exchange: agreements and events in, releases and the ledger out, in lanes shared among instances. */
export const startExchange = async (
  { config, log, metrics, onStop, use, readiness, fail }: Context<Config<typeof settings>>,
  { names, includes }: ExchangeScope = WHOLE_BUS,
): Promise<void> => {
  const kafka = use('kafka', connectKafka(kafkaOptions(config, `exchange@${hostname()}`), log));
  const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }, log);
  const agreements = followAgreements(kafka, log, metrics);
  const known = followOrganisations(kafka, log, metrics);
  const people = followPeople(kafka, known, log, metrics);
  onStop('followers', async () => {
    await Promise.all([agreements.close(), known.close(), people.close()]);
  });
  await Promise.all([agreements.caughtUp, known.caughtUp, people.caughtUp]);

  const organisations = { all: () => known.all().filter(({ id }) => includes(id)) };
  const views = createViews(codec);
  const prepareViews = createPreparer(views, agreements, log);
  const inputsNow = createPolicyInputs(agreements, known, people);
  const policyInputs = () => {
    void prepareViews();
    return inputsNow();
  };
  const parts = { kafka, names, organisations, log };
  const lanes = use(
    'lanes',
    createLanes({ ...parts, codec, views, policyInputs, agreements, people, metrics }),
  );
  const redrive = use(
    'redrive',
    redriveBy(() => startRedriver({ ...parts, metrics })),
  );
  const assigned = (numbers: number[]) => {
    lanes.assign(numbers);
    redrive.assign(numbers);
  };
  use('membership', await kafka.lanes(names.group, names.topic, { assigned, failed: fail }));
  readiness('lanes', async () => lanes.check());
};

/** One instance does it: the one that has the first lane. */
const redriveBy = (start: () => Loop) => {
  let running: Loop | null = null;
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
