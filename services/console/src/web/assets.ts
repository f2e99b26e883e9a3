import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express, { type Router } from 'express';

const OWN_FONTS = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",arial,sans-serif';

/**
 * govuk-frontend's stylesheet without what belongs to GOV.UK alone: the GDS Transport font and the crest may
 * be used on its own domains only.
 *
 * @throws Error when a new version names them in a way that this does not know
 */
function withoutGovUkIdentity(css: string): string {
  const cleaned = css
    .replaceAll(/@font-face\{[^}]*\}/g, '')
    .replaceAll('GDS Transport,arial,sans-serif', OWN_FONTS)
    .replaceAll(/url\([^)]*crest[^)]*\)/g, 'none');
  if (/GDS Transport|crest\.svg/i.test(cleaned)) {
    throw new Error('govuk-frontend names the GDS font or the crest in a new way; see withoutGovUkIdentity');
  }
  return cleaned;
}

/** The console's own stylesheet, in the order of its rules: later ones win. */
const STYLES = 'base components tables-and-charts overview flow failures agreements disclosures media';

/** Stylesheets and scripts, read once: the vendors' from their packages, ours from this folder. */
export function assetRoutes(): Router {
  const packaged = (path: string) => readFileSync(fileURLToPath(import.meta.resolve(path)), 'utf8');
  const own = (name: string) => readFileSync(new URL(`../assets/${name}`, import.meta.url), 'utf8');
  const files: Record<string, string> = {
    'govuk-frontend.css': withoutGovUkIdentity(packaged('govuk-frontend/dist/govuk/govuk-frontend.min.css')),
    'uplot.css': packaged('uplot/dist/uPlot.min.css'),
    'uplot.js': packaged('uplot/dist/uPlot.esm.js'),
    // A blank line between them, as in one file.
    'console.css': STYLES.split(' ')
      .map((name) => own(`console/${name}.css`))
      .join('\n'),
    'throughput.js': own('throughput.js'),
    'live.js': own('live.js'),
    'charts.js': own('charts.js'),
    'causeway.svg': own('causeway.svg'),
  };

  const router = express.Router();
  for (const [name, content] of Object.entries(files)) {
    const type = name.slice(name.lastIndexOf('.'));
    // Revalidated each time, so that a new version is never mixed with scripts of the old one.
    router.get(`/${name}`, (_req, res) => void res.set('cache-control', 'no-cache').type(type).send(content));
  }
  return router;
}
