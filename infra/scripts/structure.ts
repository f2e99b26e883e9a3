import { dirname } from 'node:path';
import { findPackages, isThere, packageName, readSources, type Source } from './sources.ts';

/**
 * `npm run structure`: prints the rooms of each package with their levels, and every import that breaks the structure. A room is a first-level
 * folder of a package's sources; a file beside the folders is a room of its own. Tests are leaves: they import what they like within their
 * package's declarations, and nothing but tests imports them.
 */

/** Rooms of the runtime. A room imports none of a higher level. */
const RUNTIME_LEVELS: Record<string, number> = {
  'errors.ts': 1,
  telemetry: 1,
  async: 2,
  service: 2,
  postgres: 2,
  kafka: 2,
  avro: 3,
  bus: 3,
  inbox: 3,
  'reference-data': 4,
  ledger: 4,
  agreements: 4,
  disclosure: 5,
  source: 5,
  delivery: 6,
  feedback: 7,
  adapter: 8,
};
const RUNTIME = 'services/runtime';

/** Which packages of ours a package may import; a test may import @causeway/testing too, and a test of infra everything. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  schemas: [],
  'services/client': [],
  [RUNTIME]: ['@causeway/schemas'],
};
const BOTH = ['@causeway/runtime', '@causeway/schemas'];

/** Folders of infra that production or a cluster needs: they do without those that only a developer's machine has. */
const IN_PRODUCTION = /^infra\/(common|deploy|operator|compose|kubernetes|prometheus|partnership)\//;
const DEVELOPMENT = /^infra\/(dev|scripts|end-to-end|bench)\//;
/** Their packages are installed in the image. */
const IN_IMAGE = /^(schemas|services)\/|^infra\/(common|deploy|operator)\//;
const PLAYS_A_SYSTEM = /simulator|sandbox|synthetic/;

type Graph = Map<string, Set<string>>;

export function checkStructure(sources: readonly Source[] = readSources()) {
  const rooms = roomsOf(sources);
  const problems = [
    ...cycles(graphOf(sources, (path) => path)).map(
      (files) => `files import each other: ${files.join(', ')}`,
    ),
    ...[...rooms].flatMap(([folder, graph]) =>
      cycles(graph).map((names) => `rooms of ${folder} import each other: ${names.join(', ')}`),
    ),
    ...levelProblems(sources),
    ...sources.flatMap(importProblems),
  ];
  return { rooms, problems };
}

const sourceFolder = (folder: string) => (folder === 'infra' ? 'infra/' : `${folder}/src/`);

/** The room of a file within its package. */
function roomOf(path: string, folder: string): string {
  const base = sourceFolder(folder);
  return path.startsWith(base) ? (path.slice(base.length).split('/')[0] ?? '') : dirname(path);
}

function graphOf(sources: readonly Source[], nodeOf: (path: string) => string): Graph {
  const graph: Graph = new Map();
  for (const { path, imports } of sources) {
    const to = graph.get(nodeOf(path)) ?? new Set();
    graph.set(nodeOf(path), to);
    for (const { file } of imports) if (file !== undefined) to.add(nodeOf(file));
  }
  return graph;
}

function roomsOf(sources: readonly Source[]): Map<string, Graph> {
  const byPackage = Map.groupBy(
    sources.filter(({ isTest }) => !isTest),
    (source) => source.package.folder,
  );
  return new Map(
    [...byPackage].map(([folder, own]) => {
      const graph = graphOf(
        own.map((source) => ({
          ...source,
          imports: source.imports.filter(({ file }) => file?.startsWith(sourceFolder(folder))),
        })),
        (path) => roomOf(path, folder),
      );
      for (const [room, to] of graph) to.delete(room);
      return [folder, graph];
    }),
  );
}

/** Groups of nodes that reach each other, by Tarjan's algorithm. */
export function cycles(graph: Graph): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (node: string): number => {
    const own = index.size;
    index.set(node, own);
    low.set(node, own);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) low.set(node, Math.min(low.get(node) ?? own, visit(next)));
      else if (stack.includes(next)) low.set(node, Math.min(low.get(node) ?? own, index.get(next) ?? own));
    }
    if (low.get(node) === own) {
      const group = stack.splice(stack.indexOf(node));
      if (group.length > 1 || graph.get(node)?.has(node)) found.push(group.sort());
    }
    return low.get(node) ?? own;
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found;
}

function levelProblems(sources: readonly Source[]): string[] {
  const runtime = sources.filter((source) => source.package.folder === RUNTIME && !source.isTest);
  const rooms = new Set(runtime.map(({ path }) => roomOf(path, RUNTIME)));
  const unknown = [...rooms].filter((room) => !(room in RUNTIME_LEVELS));
  const level = (path: string) => RUNTIME_LEVELS[roomOf(path, RUNTIME)] ?? 0;
  return [
    ...unknown.map((room) => `${RUNTIME}/src/${room} has no level in infra/scripts/structure.ts`),
    ...runtime.flatMap(({ path, imports }) =>
      imports.flatMap(({ file }) =>
        file?.startsWith(`${RUNTIME}/`) && level(file) > level(path)
          ? [`${path} is of level ${level(path)} and imports ${file} of level ${level(file)}`]
          : [],
      ),
    ),
  ];
}

function importProblems(source: Source): string[] {
  const { path, package: own, isTest, imports } = source;
  const inProduction =
    !isTest && IN_IMAGE.test(path) && !PLAYS_A_SYSTEM.test(path) && own.name !== '@causeway/testing';
  const ours = [...(MAY_IMPORT[own.folder] ?? BOTH), ...(isTest ? ['@causeway/testing'] : []), own.name];
  return imports.flatMap(({ specifier, file }) => {
    const wrong = (problem: string) => [`${path} imports ${specifier}, ${problem}`];
    const name = packageName(specifier);
    if (name === undefined && file === undefined) return [];
    if (name?.startsWith('@causeway/') && file === undefined)
      return wrong('which its package does not export');
    if (file !== undefined && !isThere(file)) return wrong('which is not there');
    if (name === undefined && file !== undefined && !file.startsWith(`${own.folder}/`))
      return own.name === '@causeway/infra' && !IN_PRODUCTION.test(path)
        ? []
        : wrong('a file of another package');
    if (name !== undefined && name !== own.name) {
      const declared = own.dependencies.has(name) || (!inProduction && own.devDependencies.has(name));
      if (!declared) return wrong(`which ${own.folder}/package.json does not declare`);
      if (name.startsWith('@causeway/') && !ours.includes(name)) return wrong('which it must do without');
    }
    if (file === undefined || isTest) return [];
    if (/\.test\.ts$|(^|\/)testing\//.test(file) && own.name !== '@causeway/testing')
      return wrong('which is for tests');
    if (IN_PRODUCTION.test(path) && DEVELOPMENT.test(file)) return wrong('which only development has');
    return [];
  });
}

/** Lines such as `services/gateway: 1 http · 2 events`, each room with the number of rooms below it at most. */
function describeRooms(rooms: Map<string, Graph>): string[] {
  return [...rooms].map(([folder, graph]) => {
    const depths = new Map<string, number>();
    const depthOf = (room: string, above: readonly string[] = []): number => {
      const known = depths.get(room);
      if (known !== undefined || above.includes(room)) return known ?? 0;
      const below = [...(graph.get(room) ?? [])].map((next) => depthOf(next, [...above, room]));
      const depth = 1 + Math.max(0, ...below);
      depths.set(room, depth);
      return depth;
    };
    const levelOf = (room: string) =>
      (folder === RUNTIME ? RUNTIME_LEVELS[room] : undefined) ?? depthOf(room);
    const levels = Map.groupBy([...graph.keys()].sort(), levelOf);
    const lines = [...levels]
      .sort(([a], [b]) => a - b)
      .map(([level, names]) => `  ${level} ${names.join(' ')}`);
    return [folder, ...lines].join('\n');
  });
}

if (import.meta.main) {
  const { rooms, problems } = checkStructure(readSources(findPackages()));
  process.stdout.write(`${describeRooms(rooms).join('\n')}\n`);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
