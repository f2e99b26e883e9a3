import { runService } from '@causeway/runtime/service/service';
import { settings, startExchange } from './exchange.ts';
import { laneNames } from './lane-names.ts';

/** The exchange of a test as a process of its own; see `testing.ts`. */
const { TEST_LANES_PREFIX, TEST_ORGANISATIONS = '' } = process.env;
const organisations = new Set(TEST_ORGANISATIONS.split(' '));

await runService('exchange', settings, (context) =>
  startExchange(context, {
    names: laneNames(TEST_LANES_PREFIX),
    includes: (id) => organisations.has(id),
  }),
);
