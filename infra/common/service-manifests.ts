import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { repository } from './paths.ts';
import { CannotStart } from './settings.ts';

/** The member `causeway` of a service's package.json: how it takes part in the local system. */
type Declaration = {
  /** Lower ones are stopped later. */
  order: number;
  /** Kafka principal of one of our own services; an adapter has an organisation instead. */
  principal?: string;
  organisation?: string;
  port?: { variable: string; default: number; scheme: string };
  /** Plays the legacy system's feed; not started with `--simulators off`. */
  simulator?: string;
  /** Takes what is delivered to the legacy system; started also with `--simulators off`. */
  sinkSimulator?: string;
  /** Where this variable is set there is a real system, and nothing plays it. */
  replacedBy?: string;
  /** Where that listens, told to both. Where the variable `replacedBy` is set, a real system is there and nothing is simulated. */
  sinkPort?: { variable: string; default: number; replacedBy: string };
  /**
   * Somebody else's program that stands in for the legacy system from which this adapter fetches; started also with `--simulators off`.
   * `module` gets it ready (see `third-party-simulators.ts`). Where it is, the adapter is told in the variable that `replacedBy` names.
   */
  standIn?: { module: string; port: { variable: string; default: number } };
  /** Names of further settings that the service takes from the launcher. */
  variables?: string[];
  /** Settings that are random secrets, shared with its simulators, and the name under which each is made and kept. */
  secrets?: Record<string, string>;
  /** Options of Node for its process, such as limits of its heap. */
  node?: string[];
  /** Variables of its process that are no settings, such as how the C library keeps memory. */
  environment?: Record<string, string>;
};

export type Service = Declaration & { name: string; directory: string; principal: string };

/** Every service of the repository: a folder below `services` whose package.json says how to run it. */
export function findServices(root = repository): Service[] {
  return globSync(['services/*/package.json', 'services/adapters/*/package.json'], { cwd: root })
    .flatMap((path) => {
      const manifest: { causeway?: Declaration } = JSON.parse(readFileSync(join(root, path), 'utf8'));
      if (!manifest.causeway) return [];
      const directory = join(root, dirname(path));
      const name = basename(directory);
      const principal = manifest.causeway.principal ?? manifest.causeway.organisation;
      if (!principal) throw new CannotStart(`${path}: "causeway" needs a principal or an organisation.`);
      return [{ ...manifest.causeway, name, directory, principal }];
    })
    .sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
}
