/** The realm that Keycloak imports: one client for each organisation's programs, and one for the console. */
type OrganisationClient = { id: string; secret: string };

const GATEWAY_SCOPES = ['events:read', 'events:write', 'subscriptions:manage'];
const ROLES = ['operator', 'information-governance'];
const ACCESS_TOKEN_SECONDS = 3_600;

/** RFC 9068: the header of an access token says `at+jwt`, so that no other token is taken for one. */
const ATTRIBUTES = {
  'access.token.header.type.rfc9068': 'true',
  'client.use.lightweight.access.token.enabled': 'false',
};

const mapper = (name: string, protocolMapper: string, config: Record<string, string>) => ({
  name,
  protocol: 'openid-connect',
  protocolMapper,
  config: { 'access.token.claim': 'true', ...config },
});

const audience = (name: string) =>
  mapper('audience', 'oidc-audience-mapper', {
    'included.custom.audience': name,
    'id.token.claim': 'false',
  });

const organisationClaim = (id: string) =>
  mapper('organisation', 'oidc-hardcoded-claim-mapper', {
    'claim.name': 'organisation',
    'claim.value': id,
    'jsonType.label': 'String',
    'id.token.claim': 'false',
  });

const programs = ({ id, secret }: OrganisationClient) => ({
  clientId: id,
  secret,
  publicClient: false,
  standardFlowEnabled: false,
  directAccessGrantsEnabled: false,
  serviceAccountsEnabled: true,
  clientAuthenticatorType: 'client-secret',
  attributes: ATTRIBUTES,
  defaultClientScopes: GATEWAY_SCOPES,
  protocolMappers: [audience('causeway-gateway'), organisationClaim(id)],
});

const consoleClient = (secret: string) => ({
  clientId: 'causeway-console',
  secret,
  publicClient: false,
  standardFlowEnabled: true,
  directAccessGrantsEnabled: false,
  serviceAccountsEnabled: false,
  redirectUris: ['https://127.0.0.1:8080/*'],
  attributes: { ...ATTRIBUTES, 'pkce.code.challenge.method': 'S256' },
  defaultClientScopes: ['profile'],
  protocolMappers: [
    audience('causeway-console'),
    mapper('roles', 'oidc-usermodel-realm-role-mapper', {
      'claim.name': 'roles',
      multivalued: 'true',
      'jsonType.label': 'String',
      'id.token.claim': 'true',
      'userinfo.token.claim': 'true',
    }),
    mapper('organisation', 'oidc-usermodel-attribute-mapper', {
      'user.attribute': 'organisation',
      'claim.name': 'organisation',
      'jsonType.label': 'String',
      'id.token.claim': 'true',
      'userinfo.token.claim': 'true',
    }),
  ],
});

/** Nobody is in it: the administrator adds people, their role and their attribute `organisation`. */
export const realm = (organisations: readonly OrganisationClient[], consoleSecret: string) => ({
  realm: 'causeway',
  enabled: true,
  sslRequired: 'all',
  registrationAllowed: false,
  bruteForceProtected: true,
  accessTokenLifespan: ACCESS_TOKEN_SECONDS,
  roles: { realm: ROLES.map((name) => ({ name })) },
  clientScopes: [...GATEWAY_SCOPES, 'profile'].map((name) => ({
    name,
    protocol: 'openid-connect',
    attributes: { 'include.in.token.scope': 'true' },
  })),
  clients: [...organisations.map(programs), consoleClient(consoleSecret)],
});
