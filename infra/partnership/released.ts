import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Preview, type PreviewedLeaf, previewAgreement } from '@causeway/runtime/agreements/preview';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import { parseAgreement } from '@causeway/schemas/agreements/parse';
import { type EventType, loadCatalogue } from '@causeway/schemas/catalogue/catalogue';

/**
 * Writes into `released/` what each recipient of the example partnership gets of each event type's example, one page per agreement:
 * a change of a schema or an agreement then shows in review as what it does to a recipient. With `--check` it only says
 * which pages are out of date.
 */

const AGREEMENTS = join(import.meta.dirname, 'agreements');
const PAGES = join(import.meta.dirname, 'released');

/** The pages as they should be, by file name. */
function releasedPages(): Map<string, string> {
  const catalogue = loadCatalogue();
  return new Map(
    readdirSync(AGREEMENTS)
      .filter((file) => file.endsWith('.yaml'))
      .sort()
      .map((file) => {
        const parsed = parseAgreement(readFileSync(join(AGREEMENTS, file), 'utf8'), file, catalogue);
        if ('problems' in parsed) throw new Error(`${file} has problems: npm run agreement -- check`);
        return [`${parsed.agreement.id}.md`, page(parsed.agreement, catalogue)];
      }),
  );
}

function page(agreement: Agreement, catalogue: readonly EventType[]): string {
  const { id, version, title, from, to, audience, where } = agreement;
  const known =
    typeof audience === 'object' ? `those who know the person as ${audience.knownAs.join(', ')}` : audience;
  const conditions = Object.entries(where).map(([path, values]) => `\`${path}\` is ${values.join(' or ')}`);
  return [
    `# ${title}`,
    `Written by \`npm run generate\` from \`${id}.yaml\` version ${version} and the examples of the event types. Do not edit: review it.`,
    `From ${from} to ${to.join(' and ')}. Audience: ${known}. Condition: ${conditions.join(' and ') || 'none'}.`,
    ...previewAgreement(agreement, catalogue).map(section),
  ]
    .join('\n\n')
    .concat('\n');
}

function section({ title, type, recipient, sibling, meetsConditions, seen, withheld }: Preview): string {
  const follows = sibling ? ' It follows the type that it takes back or corrects.' : '';
  const met = meetsConditions ? '' : ' The example does not meet the condition, so it would be withheld.';
  return [
    `## ${title}, to ${recipient}`,
    `\`${type}\`.${follows}${met}`,
    ['| released | as | example |', '|---|---|---|', ...seen.map(row)].join('\n'),
    `Withheld: ${blocks(seen, withheld)
      .map((path) => `\`${path}\``)
      .join(', ')}.`,
  ].join('\n\n');
}

function row({ path, form, value }: PreviewedLeaf): string {
  const text = value === null ? '(not known)' : JSON.stringify(value).replaceAll('|', '\\|');
  return `| \`${path}\` | ${form} | ${text} |`;
}

/** Withheld leaves; a block of which nothing is released stands for its leaves. */
function blocks(seen: readonly PreviewedLeaf[], withheld: readonly PreviewedLeaf[]): string[] {
  const shown = withheld.map(({ path }) => {
    const steps = path.split('.');
    const prefixes = steps.map((_, index) => steps.slice(0, index + 1).join('.'));
    return (
      prefixes.find(
        (prefix) => !seen.some((leaf) => leaf.path.startsWith(`${prefix}.`) || leaf.path === prefix),
      ) ?? path
    );
  });
  return [...new Set(shown)];
}

/** Names of pages that are not what they should be, missing and superfluous ones included. */
export function outdatedPages(): string[] {
  const pages = releasedPages();
  const present = readdirSync(PAGES).filter((file) => file.endsWith('.md'));
  const wrong = [...pages].filter(
    ([file, text]) => !present.includes(file) || readFileSync(join(PAGES, file), 'utf8') !== text,
  );
  return [...wrong.map(([file]) => file), ...present.filter((file) => !pages.has(file))];
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const outdated = outdatedPages();
    if (outdated.length > 0) {
      process.stderr.write(`infra/partnership/released: run \`npm run generate\`: ${outdated.join(', ')}\n`);
      process.exitCode = 1;
    }
  } else {
    for (const file of outdatedPages()) rmSync(join(PAGES, file), { force: true });
    for (const [file, text] of releasedPages()) writeFileSync(join(PAGES, file), text);
  }
}
