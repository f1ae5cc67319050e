// A certified OpenID provider (npm oidc-provider) for the tests. Usage: node city_provider.mjs FOLDER SETTINGS
// FOLDER has it in node_modules. SETTINGS is JSON: port, secret, and the portal's address.
import { pathToFileURL } from 'node:url';

const [folder, settings] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));
const { port, secret, portal } = JSON.parse(settings);
const MFA = 'urn:city:two-factors';

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'cihu',
    client_secret: secret,
    redirect_uris: [`${portal}/login/city/city/back`],
    post_logout_redirect_uris: [`${portal}/login`],
    backchannel_logout_uri: `${portal}/login/city/city/logout`,
    backchannel_logout_session_required: true,
  }],
  claims: { openid: ['sub'], acr: null, amr: null, auth_time: null, sid: null, profile: ['name', 'employee', 'department', 'email'] },
  acrValues: ['urn:city:password', MFA],
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    claimsParameter: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  pkce: { required: () => true },
  // its own refuses to call the portal on this machine
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  cookies: { keys: [secret] },
  interactions: { url: (ctx, interaction) => `/enter/${interaction.uid}` },
  // "zhang.health" is Zhang of the department of health, and their number here is "zhang"
  findAccount: (ctx, sub) => ({
    accountId: sub,
    claims: () => {
      const [employee, department] = sub.split('.');
      return { sub, employee, department, name: `城市用户 ${employee}`, email: `${employee}@city.example` };
    },
  }),
});

// the log-in page: a form with a name, and whether a second factor is used
provider.use(async (ctx, next) => {
  const uid = ctx.path.match(/^\/enter\/([\w-]+)$/)?.[1];
  if (!uid) return next();
  const { params } = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    ctx.body = `<form method="post" action="/enter/${uid}"><input name="person"><input name="second"><button>Continue</button></form>`;
    return undefined;
  }
  let body = '';
  for await (const part of ctx.req) body += part;
  const form = new URLSearchParams(body);
  if (!form.get('person')) {
    const stopped = { error: 'access_denied', error_description: '<b>stopped</b>' };
    return provider.interactionFinished(ctx.req, ctx.res, stopped, { mergeWithLastSubmission: false });
  }
  const accountId = form.get('person');
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const second = form.get('second') === 'yes';
  return provider.interactionFinished(ctx.req, ctx.res, {
    login: { accountId, acr: second ? MFA : 'urn:city:password', amr: second ? ['pwd', 'otp', 'mfa'] : ['pwd'] },
    consent: { grantId: await grant.save() },
  }, { mergeWithLastSubmission: false });
});

provider.on('server_error', (ctx, error) => console.error(error));
provider.on('backchannel.error', (ctx, error) => console.error('back-channel', error.message, error.cause));
provider.listen(port, '127.0.0.1', () => console.log('ready'));
