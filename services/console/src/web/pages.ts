import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Response } from 'express';
import nunjucks from 'nunjucks';
import type { BrowserSession } from '../access/viewer.ts';
import { navigationFor } from './navigation.ts';

type PageContext = { session?: BrowserSession | undefined; [name: string]: unknown };

export type Pages = {
  render(template: string, context: object): string;
  /** `session` in the context makes the header and the navigation of the person who is signed in. */
  send(res: Response, status: number, template: string, context: PageContext): void;
};

/** Templates: ours, and govuk-frontend's macros as they are published. Everything is escaped unless marked safe. */
export function createPages(): Pages {
  const views = fileURLToPath(new URL('../views', import.meta.url));
  const govuk = fileURLToPath(new URL('..', import.meta.resolve('govuk-frontend/dist/govuk/template.njk')));
  const templates = new nunjucks.Environment(new nunjucks.FileSystemLoader([views, govuk]), {
    autoescape: true,
    trimBlocks: true,
    lstripBlocks: true,
  });

  // A mistake in a template is found now, not by the first reader of a page; there it could not be caught.
  for (const name of readdirSync(views)) templates.getTemplate(name, true);

  const render = (template: string, context: object): string => {
    const html: string | null = templates.render(template, context);
    if (html === null) throw new Error(`${template} was not rendered`);
    return html;
  };
  return {
    render,
    send(res, status, template, context) {
      const navigation = context.session ? navigationFor(context.session.roles) : [];
      const html = render(template, { ...context, navigation });
      res.status(status).set('cache-control', 'no-store').type('html').send(html);
    },
  };
}
