/** A web page of the OpenAPI document: one source, no scripts, no external content. */

type Operation = {
  summary?: string;
  description?: string;
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: string; required?: boolean; description: string }[];
  requestBody?: { content: Record<string, unknown> };
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
};

type Document = {
  info: { title: string; description: string };
  security: Record<string, string[]>[];
  paths: Record<string, object>;
};

export const documentationPage = (document: Document): string => {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, Operation>).map(([method, operation]) => ({
      id: `${method}${path.replace(/[^a-z0-9]+/gi, '-')}`,
      name: `${method.toUpperCase()} ${path}`,
      scopes: (operation.security ?? document.security).flatMap(({ accessToken = [] }) => accessToken),
      operation,
    })),
  );
  const list = operations.map(
    ({ id, name, operation }) =>
      `<li><a href="#${id}"><code>${text(name)}</code></a> ${text(operation.summary ?? '')}</li>`,
  );
  const sections = operations.map(({ id, name, scopes, operation }) => section(id, name, scopes, operation));
  return `<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(document.info.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${text(document.info.title)}</h1>
<p>${words(document.info.description)}</p>
<p>For programs: <a href="/v1/openapi.json">OpenAPI 3.1</a>. See what your own organisation receives at <code>/v1/catalogue</code> and <code>/v1/asyncapi.json</code>, with your access token.</p>
<nav aria-label="Addresses"><ul>
${list.join('\n')}
</ul></nav>
${sections.join('\n')}
</main>
</body>
</html>
`;
};

const section = (id: string, name: string, scopes: readonly string[], operation: Operation): string => {
  const { summary = '', description, parameters = [], requestBody, responses } = operation;
  const rows = parameters.map(
    (one) =>
      `<tr><th scope="row"><code>${text(one.name)}</code></th><td>${text(one.in)}${one.required ? ', required' : ''}</td><td>${words(one.description)}</td></tr>`,
  );
  const answers = Object.entries(responses).map(
    ([status, { description: says }]) =>
      `<tr><th scope="row">${text(status)}</th><td>${words(says)}</td></tr>`,
  );
  return `<section aria-labelledby="${id}">
<h2 id="${id}"><code>${text(name)}</code></h2>
<p><strong>${text(summary)}.</strong>${description ? ` ${words(description)}` : ''}</p>
<p>${scopes.length > 0 ? `Access token with the scope <code>${text(scopes.join(' '))}</code>.` : 'No access token.'}${
    requestBody
      ? ` Body: ${Object.keys(requestBody.content)
          .map((type) => `<code>${text(type)}</code>`)
          .join(' or ')}.`
      : ''
  }</p>
${rows.length > 0 ? `<table><caption>Parameters</caption><tbody>${rows.join('')}</tbody></table>` : ''}
<table><caption>Responses</caption><tbody>${answers.join('')}</tbody></table>
</section>`;
};

const text = (value: string): string => value.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** Renders text between backquotes as code. */
const words = (value: string): string => text(value).replace(/`([^`]+)`/g, '<code>$1</code>');

const STYLE = `
body { font: 1.0625rem/1.5 system-ui, sans-serif; color: #0b0c0c; background: #fff; margin: 0; }
main { max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-top: 2px solid #0b0c0c; padding-top: .75rem; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: .95em; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .75rem 0; } caption { text-align: left; font-weight: 600; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #b1b4b6; font-weight: 400; }
a { color: #00612f; } :focus-visible { outline: 3px solid #0b0c0c; outline-offset: 3px; }`;
