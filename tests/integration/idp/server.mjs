// SPDX-License-Identifier: Apache-2.0
// A real OpenID provider (npm's oidc-provider) that issues tokens with the claims of Microsoft Entra. Its configuration is
// the JSON file that argv names: {port, plain_port, issuer, certificate, key, jwks, clients, resource, lifetime, device_claims, user_claims,
// keys_cache_control}.
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import Provider from 'oidc-provider';

const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));

const provider = new Provider(config.issuer, {
  clients: config.clients,
  jwks: config.jwks,
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => config.resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'api',
        audience: config.resource,
        accessTokenTTL: config.lifetime,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  // A device is known by its application; a user by what was typed at sign-in.
  extraTokenClaims: (ctx, token) => (token.kind === 'ClientCredentials'
    ? { ...config.device_claims, deviceid: config.devices?.[token.clientId] ?? token.clientId }
    : { ...config.user_claims, upn: token.accountId }),
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

// How long its keys may be kept; it says nothing of that by itself.
provider.use(async (ctx, next) => {
  await next();
  if (ctx.path === '/jwks' && config.keys_cache_control) ctx.set('cache-control', config.keys_cache_control);
});

if (config.plain_port) http.createServer(provider.callback()).listen(config.plain_port, '127.0.0.1');
https.createServer({ cert: fs.readFileSync(config.certificate), key: fs.readFileSync(config.key) }, provider.callback())
  .listen(config.port, '127.0.0.1', () => console.log('listening'));
