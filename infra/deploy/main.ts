import { flag, integer, loadConfig, registrySettings, secret, text } from '@causeway/runtime/service/config';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { clusterSettings } from '../common/connections.ts';
import { CannotStart } from '../common/settings.ts';
import { deploy } from './deploy.ts';
import { exampleInterestRecords, readExampleInterests } from './interests.ts';
import { readAgreements, readOrganisations } from './partnership.ts';

/**
 * The deployment step by itself, for containers and clusters: topics and rights, event schemas, organisations, agreements.
 * Its log-in may do everything, unlike that of any service; it runs once with each release and changes nothing when run again.
 */
const settings = {
  ...registrySettings,
  ...clusterSettings,
  KAFKA_REPLICATION_FACTOR: integer(3, { min: 1, max: 5 }),
  KAFKA_MIN_INSYNC_REPLICAS: integer(2, { min: 1, max: 5 }),
  /** Where an operator makes topics and rights from the same declaration. */
  DEPLOY_TOPICS: flag(true),
  CAUSEWAY_ORGANISATIONS_DIR: text(),
  CAUSEWAY_AGREEMENTS_DIR: text(),
};

const say = (line: string) => process.stdout.write(`${line}\n`);

try {
  const config = loadConfig(settings);
  const organisations = readOrganisations(config.CAUSEWAY_ORGANISATIONS_DIR);
  const catalogue = loadCatalogue();
  const ids = organisations.map(({ id }) => id);
  // Only the example partnership knows people from the start, and only for that the step needs the partnership's key.
  const known = process.env.CAUSEWAY_INTERESTS_DIR;
  const interests = known
    ? exampleInterestRecords(
        readExampleInterests(known),
        ids,
        loadConfig({ PARTNERSHIP_KEY: secret() }).PARTNERSHIP_KEY,
        new Date(),
      )
    : [];
  await deploy({
    connections: config,
    replication: {
      replicationFactor: config.KAFKA_REPLICATION_FACTOR,
      minInSyncReplicas: config.KAFKA_MIN_INSYNC_REPLICAS,
    },
    topics: config.DEPLOY_TOPICS,
    catalogue,
    organisations,
    agreements: readAgreements(config.CAUSEWAY_AGREEMENTS_DIR, catalogue, ids),
    interests,
    say,
  });
  say('deployed');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = error instanceof CannotStart ? 2 : 1;
}
