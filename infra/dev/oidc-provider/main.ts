import { createServer } from 'node:http';
import { LOOPBACK } from '../../common/ports.ts';
import { openSecrets } from '../../common/secrets.ts';
import { handleLogin, isLogin } from './login.ts';
import { issuerUrl } from './oidc.ts';
import { createProvider } from './provider.ts';

/** The development OpenID provider: everybody on this machine knows its users, so it listens on loopback only. */
async function main() {
  const port = Number(process.env.OIDC_PORT);
  const secrets = openSecrets(process.env.OIDC_SECRETS ?? '');
  const provider = await createProvider(issuerUrl(port), secrets, process.env.OIDC_ANY_CLIENT_SECRET);
  const answer = provider.callback();
  const server = createServer((request, response) => {
    void (isLogin(request) ? handleLogin(provider, request, response) : answer(request, response));
  });
  server.listen(port, LOOPBACK);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
}

await main();
