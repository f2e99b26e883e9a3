import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMetrics } from '@causeway/runtime/telemetry/metrics';
import { repository } from '../common/paths.ts';

/** `docs/metrics.md`, made from the metrics that the code declares. */
const PAGE = join(repository, 'docs', 'metrics.md');

const INTRODUCTION = `# Metrics

Made by \`npm run generate\` from \`services/runtime/src/telemetry/metrics.ts\`; do not edit. Each service serves them at \`/metrics\` of its admin address.

A name is \`causeway_<what>_<unit>\`, of a counter with \`_total\` behind it; durations and ages are seconds, times are seconds since 1970. A label is an organisation, a component or a word from a closed set, never a
person, event or address; each series also has \`service\`. A histogram has \`_bucket\`, \`_sum\` and \`_count\`. Metrics of Node itself (\`process_…\`, \`nodejs_…\`) come with them. Lag, parts and agreements are what the
console sees of all others. What alerts ask of them is in [the runbook](operating/runbook.md#alerts).

| name | kind | labels | what |
|---|---|---|---|
`;

const metricsPage = (): string =>
  INTRODUCTION +
  createMetrics('page')
    .described()
    .map(({ name, kind, labels, help }) => {
      const named = labels.map((label) => `\`${label}\``).join(', ') || '–';
      return `| \`${name}\` | ${kind} | ${named} | ${help} |\n`;
    })
    .join('');

export const isCurrent = (): boolean => readFileSync(PAGE, 'utf8') === metricsPage();

if (import.meta.main) writeFileSync(PAGE, metricsPage());
