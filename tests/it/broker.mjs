// The broker the tests log in at: the certified `oidc-provider`, with a MitID broker's manners
// (Signaturgruppen's claim names, a level of assurance in the ID token, CPR and UUID in userinfo only).
//
//   node broker.mjs '{"clients": [{…, "redirect_uris": […]}], "people": [{"user", "name", "uuid", "cpr"}]}'
//
// prints its issuer, then answers until it is ended. POST /control changes how the next logins come out;
// GET /control tells how it is set, which authorization requests arrived, how many token requests did, and which
// tokens were given.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const NSIS = 'https://data.gov.dk/concept/core/nsis/';
const LEVELS = { low: `${NSIS}Low`, substantial: `${NSIS}Substantial`, high: `${NSIS}High` };

const { clients, people } = JSON.parse(process.argv[2]);
const requests = [];
let tokenRequests = 0;
const tokens = [];
// level: what a login returns, whatever was asked for; 'absent' returns none.
// age: how many seconds ago it claims to have happened.
const control = { level: 'substantial', age: 0 };

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: clients.map((client) => ({
    grant_types: ['authorization_code'],
    response_types: ['code'],
    ...client,
  })),
  jwks: { keys: [signingKey('rsa', { modulusLength: 2048 }), signingKey('ec', { namedCurve: 'P-256' })] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  pkce: { required: () => true },
  acrValues: Object.values(LEVELS),
  scopes: ['openid', 'mitid', 'ssn'],
  extraParams: ['idp_values', 'idp_params', 'reference_text', 'action_text'],
  claims: {
    openid: ['sub', 'acr', 'amr', 'auth_time', 'idp', 'identity_type', 'loa', 'ial', 'aal'],
    mitid: ['mitid.uuid', 'mitid.identity_name', 'mitid.has_cpr'],
    ssn: ['dk.cpr'],
  },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, uuid) => account(people.find((person) => person.uuid === uuid)),
  loadExistingGrant: consent,
  ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 300, IdToken: 300, Interaction: 300, Session: 300 },
});
provider.use(async (ctx, next) => {
  if (ctx.path === '/auth') requests.push(ctx.query);
  if (ctx.path === '/token') tokenRequests += 1;
  await next();
});

provider.on('grant.success', (ctx) => tokens.push(ctx.body.access_token, ctx.body.id_token));

const answer = provider.callback();
server.on('request', (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  const route = pathname === '/control' ? controlled : pathname.startsWith('/interaction/') ? interaction : answer;
  Promise.resolve(route(request, response)).catch((error) => {
    console.error(error);
    response.writeHead(500).end(String(error));
  });
});
console.log(`issuer ${issuer}`);

function signingKey(kind, options) {
  const jwk = generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' });
  return { ...jwk, use: 'sig', kid: kind, alg: kind === 'rsa' ? 'RS256' : 'ES256' };
}

// What the broker knows of a person. Every value is a string, as in life; the level rides in the ID token
// alone, who it is in userinfo alone.
function account(person) {
  if (!person) return undefined;
  const assurance = () => {
    const loa = LEVELS[control.level];
    return loa ? { loa, ial: loa, aal: loa } : {};
  };
  return {
    accountId: person.uuid,
    claims: (use) => ({
      sub: person.uuid,
      ...(use === 'id_token'
        ? { idp: 'mitid', identity_type: 'private', ...assurance() }
        : {
            'mitid.uuid': person.uuid,
            'mitid.identity_name': person.name,
            'mitid.has_cpr': String(Boolean(person.cpr)),
            ...(person.cpr ? { 'dk.cpr': person.cpr } : {}),
          }),
    }),
  };
}

// Nobody is asked for consent: the client is the broker's own customer.
async function consent(ctx) {
  const grant = new ctx.oidc.provider.Grant({
    clientId: ctx.oidc.client.clientId,
    accountId: ctx.oidc.session.accountId,
  });
  grant.addOIDCScope([...ctx.oidc.requestParamScopes].join(' '));
  await grant.save();
  return grant;
}

// One button a person, and one to give up.
async function interaction(request, response) {
  if (request.method !== 'POST') {
    const choices = people.map(({ user, name }) => `<button name="user" value="${user}">${name} (${user})</button>`);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(`<!doctype html><html lang="da"><title>MitID</title><h1>MitID</h1>
<form method="post">${choices.join('\n')}<button name="abort" value="1">Afbryd</button></form>`);
    return;
  }
  const form = new URLSearchParams(await body(request));
  const person = people.find(({ user }) => user === form.get('user'));
  const result = person
    ? {
        login: {
          accountId: person.uuid,
          acr: LEVELS[control.level],
          amr: ['code_app'],
          ts: Math.floor(Date.now() / 1000) - control.age,
        },
      }
    : { error: 'access_denied', error_description: 'mitid_user_aborted' };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

async function controlled(request, response) {
  if (request.method === 'POST') Object.assign(control, JSON.parse(await body(request)));
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ ...control, requests, tokenRequests, tokens }));
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
