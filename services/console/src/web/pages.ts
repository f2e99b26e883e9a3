import { fileURLToPath } from 'node:url';
import type { Response } from 'express';
import nunjucks from 'nunjucks';

export type Pages = {
  render(template: string, context: object): string;
  send(res: Response, status: number, template: string, context: object): void;
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

  const render = (template: string, context: object) => templates.render(template, context);
  return {
    render,
    send(res, status, template, context) {
      res.status(status).set('cache-control', 'no-store').type('html').send(render(template, context));
    },
  };
}
