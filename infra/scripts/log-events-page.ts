import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_EVENTS } from '@causeway/runtime/telemetry/log-events';
import { repository } from '../common/paths.ts';

/** `docs/log-events.md`, made from the events that a log line can name. */
const PAGE = join(repository, 'docs', 'log-events.md');

const INTRODUCTION = `# Log events

Made by \`npm run generate\` from \`services/runtime/src/telemetry/log-events.ts\`; do not edit.

Each log line is one JSON object.
A line of level \`info\` or above names its \`event\`: search and count by it, because messages are reworded.
Where something failed, \`code\` or \`err.code\` names the cause.
An adapter that a partner wrote names its own events \`adapter.…\`.
What to do about lines in more than a sentence is in [the runbook](operating/runbook.md).

| event | meaning, and what to do |
|---|---|
`;

export const logEventsPage = (): string =>
  INTRODUCTION +
  Object.entries(LOG_EVENTS)
    .map(([event, meaning]) => `| \`${event}\` | ${meaning} |\n`)
    .join('');

export const isCurrent = (): boolean => readFileSync(PAGE, 'utf8') === logEventsPage();

if (import.meta.main) writeFileSync(PAGE, logEventsPage());
