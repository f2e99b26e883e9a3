import { RetryableError } from '@causeway/runtime/errors';
import { createNoteSigner } from '@causeway/runtime/ledger/signed-note';
import { createAccessVerifier } from '@causeway/runtime/service/access-token';
import { listen } from '@causeway/runtime/service/http-server';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { emptyState } from '@causeway/schemas/agreements/log';
import type { AgreementService } from '../agreements/agreement-service.ts';
import type { AppReaders } from '../app/app.ts';
import { type AppParts, createApp } from '../app/app.ts';
import type { Disclosures } from '../disclosures/search.ts';
import type { FlowTotal } from '../flow/flow-totals.ts';
import type { Measured } from '../measurement/report.ts';
import { createIdentityProvider } from '../sign-in/identity-provider.ts';
import { AUDIENCE, CLIENT_SECRET } from './openid-provider.ts';

const SIGNER = createNoteSigner('causeway', Buffer.alloc(32, 1).toString('base64url'));

const noBroker = (): never => {
  throw new RetryableError('kafka-unavailable', 'there is no broker in this test');
};
const NO_FAILURES = {
  codec: {} as AppParts['failures']['codec'],
  reader: noBroker,
  producer: { send: noBroker },
  ledger: { record: noBroker },
};

const noDatabase = async (): Promise<never> => {
  throw new RetryableError('database-unavailable', 'there is no database in this test');
};
const NO_STORE = { query: noDatabase, transaction: noDatabase };

/** The console's HTTP side on a port of its own, showing what the test says was measured. */
export async function startConsoleUnderTest(options: {
  issuer: string;
  measured: Measured;
  production?: boolean;
  clock?: () => number;
  publicUrl?: string;
  agreements?: AgreementService;
  /** What the readers of the test is like, where it is not empty. */
  readers?: Partial<AppReaders>;
  flowTotals?: FlowTotal[];
  disclosures?: Disclosures;
  failures?: AppParts['failures'];
  cases?: AppParts['cases'];
}) {
  const { issuer, production = false, clock = Date.now } = options;
  let measured = options.measured;
  const listeners = new Set<() => void>();
  const stop = new AbortController();
  const app = createApp({
    provider: createIdentityProvider({ issuer, clientId: AUDIENCE, clientSecret: CLIENT_SECRET }),
    access: createAccessVerifier({ issuer, audience: AUDIENCE }),
    measurement: {
      now: () => measured,
      onLook(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    agreements: options.agreements ?? NOTHING_THERE,
    disclosures: options.disclosures ?? NOTHING_FOUND,
    checkpoints: { sign: SIGNER.sign, keys: () => `${SIGNER.verifierKey}\n`, latest: () => undefined },
    readers: {
      measured: () => measured,
      lag: () => undefined,
      parts: () => [],
      attention: () => undefined,
      ledgers: () => ({ since: clock(), signedAt: clock(), broken: [] }),
      interests: () => undefined,
      organisations: () =>
        measured.organisations.map((one) => ({
          ...one,
          kind: 'other',
          handlingAccepted: [],
          dutyContacts: [],
        })),
      agreements: emptyState,
      store: NO_STORE,
      ...options.readers,
    },
    failures: options.failures ?? NO_FAILURES,
    cases: options.cases ?? NO_FAILURES,
    flowTotals: () => options.flowTotals ?? [],
    sessionKeys: ['a session key for tests only'],
    publicUrl: () => new URL(options.publicUrl ?? server.url),
    secure: options.publicUrl?.startsWith('https:') ?? false,
    production,
    log: createLogger('console', 'silent'),
    clock,
    signal: stop.signal,
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0, drainMs: 500 });
  return {
    url: server.url,
    /** Every method and path that is answered, in order of their text. */
    routes: () => routesOf(app.router).sort(),
    /** How many live streams are open. */
    watchers: () => listeners.size,
    measure(next: Measured) {
      measured = next;
      for (const listener of listeners) listener();
    },
    async close() {
      stop.abort();
      await server.close();
    },
  };
}

/** For tests of pages that have nothing to do with agreements. */
const away = () => Promise.reject(new RetryableError('not-there', 'This test has no agreements'));
const NOTHING_FOUND: Disclosures = { search: away, ofEvent: away, ofRecipient: away, ofAgreement: away };
const NOTHING_THERE: AgreementService = { list: away, get: away, load: away, setStatus: away };

type Layer = {
  route?: { path: string; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
};

function routesOf(router: object): string[] {
  const { stack = [] } = router as { stack?: Layer[] };
  return stack.flatMap(({ route, handle }) => {
    if (route) return Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`);
    return routesOf(handle);
  });
}
