import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { repository } from '../common/paths.ts';

/**
 * `docker compose` over docker-compose.yml and each adapter's own compose.yaml, so that a new adapter needs no line
 * anywhere else. The arguments are passed on: `npm run compose -- up --build --wait`.
 */
export const composeFiles = (root = repository): string[] => [
  'docker-compose.yml',
  ...globSync('services/adapters/*/compose.yaml', { cwd: root }).sort(),
];

if (import.meta.main) {
  const files = composeFiles().flatMap((file) => ['-f', file]);
  const child = spawn('docker', ['compose', '--project-directory', '.', ...files, ...process.argv.slice(2)], {
    cwd: repository,
    stdio: 'inherit',
  });
  child.once('error', () => {
    process.stderr.write('docker is not there: install Docker with the compose plugin.\n');
    process.exitCode = 1;
  });
  child.once('close', (code) => {
    process.exitCode = code ?? 1;
  });
}
