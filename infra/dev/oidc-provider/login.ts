import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { passwordMatches } from './users.ts';

const LONGEST_FORM = 10_000;

export const loginPath = (uid: string) => `/login/${uid}`;
export const isLogin = (request: IncomingMessage) => request.url?.startsWith('/login/') ?? false;

/** Shows the log-in form and takes its answer. */
export async function handleLogin(provider: Provider, request: IncomingMessage, response: ServerResponse) {
  try {
    const interaction = await provider.interactionDetails(request, response);
    const path = loginPath(interaction.uid);
    if (request.method !== 'POST') return send(response, 200, loginPage(path));
    const form = new URLSearchParams(await readBody(request));
    const user = form.get('user')?.trim() ?? '';
    if (!passwordMatches(user, form.get('password') ?? '')) {
      return send(response, 200, loginPage(path, 'The user name or the password is not right.'));
    }
    await provider.interactionFinished(request, response, { login: { accountId: user } });
  } catch {
    send(response, 400, page('Log-in expired', '<p>Go back to the console and log in again.</p>'));
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > LONGEST_FORM) throw new Error('the form is too long');
  }
  return body;
}

function send(response: ServerResponse, status: number, html: string) {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  response.end(html);
}

function loginPage(path: string, problem?: string): string {
  const summary = problem
    ? `<div role="alert" class="problem"><h2>There is a problem</h2><p><a href="#user">${problem}</a></p></div>`
    : '';
  const described = problem
    ? ' aria-describedby="hint problem" aria-invalid="true"'
    : ' aria-describedby="hint"';
  return page(
    problem ? 'Error: Log in to Causeway' : 'Log in to Causeway',
    `${summary}
<p id="hint">Development log-in: user <kbd>operator</kbd> or <kbd>governance</kbd>, password <kbd>causeway</kbd>.</p>
<form method="post" action="${path}">
${problem ? `<p id="problem" class="message"><span class="hidden">Error:</span> ${problem}</p>` : ''}
<label for="user">User name</label>
<input id="user" name="user" type="text" autocomplete="username" spellcheck="false" autocapitalize="none" required${described}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Log in</button>
</form>`,
  );
}

const STYLE = `
body { font: 1.1875rem/1.4 system-ui, sans-serif; color: #0b0c0c; background: #fff; margin: 0; }
main { max-width: 32rem; margin: 0 auto; padding: 2rem 1rem; }
label { display: block; margin: 1.25rem 0 .3rem; font-weight: 600; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .4rem; border: 2px solid #0b0c0c; }
button { font: inherit; font-weight: 600; margin-top: 1.75rem; padding: .5rem 1.25rem; border: 0; color: #fff; background: #00612f; }
:focus-visible { outline: 3px solid #0b0c0c; outline-offset: 3px; }
.problem { border: 4px solid #b10e1e; padding: 0 1rem; } .problem a, .message { color: #b10e1e; font-weight: 600; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }`;

const page = (title: string, body: string) => `<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title.replace(/^Error: /, '')}</h1>
${body}
</main>
</body>
</html>
`;
