// Asks the providers' own packages. Each line of stdin is a question in JSON, and each gets one line on stdout in the same
// order: {"accept": bool, "detail": text} about a callback, or {"headers": {…}, "body": base64} with what a package signs.
// A question has
//
//   do        "verify" or "sign"
//   tool      a member of tools
//   config    the source's section of the configuration, keys and certificates as text
//   now       Unix seconds, which is what every clock here says while the question is answered
//   method, path, headers (name → list of values), body (base64)
//   typed     true: the package must also make of the body what its types say, where it has types
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { X509Certificate, generateKeyPairSync, webcrypto } from 'node:crypto';

console.log = console.info = console.warn = console.error; // stdout belongs to the answers
globalThis.crypto ??= webcrypto; // Node.js 18 has it only as a module

// What a package's clock says. Some look at Date and can be told the time in no other way.
let now = 0;
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) { args.length === 0 ? super(now) : super(...args); }
  static now() { return now; }
};

// A package is loaded when it is first asked, and no sooner: some are big.
const load = createRequire(import.meta.url);

// Node.js joins the values of a header that came several times.
const header = (q, name) => {
  const values = Object.entries(q.headers ?? {}).filter(([k]) => k.toLowerCase() === name.toLowerCase()).flatMap(([, v]) => v);
  return values.length > 0 ? values.join(', ') : undefined;
};
const allHeaders = (q) => Object.fromEntries(Object.keys(q.headers).filter((k) => q.headers[k].length > 0)
  .map((k) => [k.toLowerCase(), header(q, k)]));

const list = (setting) => setting === undefined ? [] : Array.isArray(setting) ? setting : [setting];

// Of several keys that are valid at once any may have signed. If none has, what the checks threw is told.
const any = async (keys, check) => {
  const thrown = [];
  for (const key of list(keys)) {
    try { if (await check(key)) return true; } catch (e) { thrown.push(e); }
  }
  if (thrown.length > 0) throw new Error(thrown.map((e) => `${e.name}: ${e.message}`).join(', '));
  return false;
};

const tools = {
  'adyen-api-library': {
    validator() { return new (load('@adyen/api-library').hmacValidator)(); },
    async verify(q) {
      const validator = this.validator();
      if (q.config.style === 'platform') {
        return any(q.config.hmac_keys, (key) => validator.validateHMACSignature(key, header(q, 'HmacSignature'), q.text));
      }
      const items = JSON.parse(q.text).notificationItems.map((i) => i.NotificationRequestItem);
      for (const item of items) {
        if (!await any(q.config.hmac_keys, (key) => validator.validateHMAC(item, key))) return false;
      }
      return items.length > 0;
    },
    async sign(q) {
      const validator = this.validator();
      if (q.config.style === 'platform') {
        return { headers: { HmacSignature: validator.calculateHmac(q.text, list(q.config.hmac_keys)[0]) } };
      }
      const notice = JSON.parse(q.text);
      for (const { NotificationRequestItem: item } of notice.notificationItems) {
        (item.additionalData ??= {}).hmacSignature = validator.calculateHmac(item, list(q.config.hmac_keys)[0]);
      }
      return { body: JSON.stringify(notice) };
    },
  },

  'alipay-sdk': {
    async verify(q) {
      if (q.method !== 'POST') throw new Error('the notice is in the body of a POST');
      const { AlipaySdk } = load('alipay-sdk');
      const keys = [...list(q.config.public_key), ...list(q.config.certificates).map(publicKeyOf)];
      const notice = {};
      for (const [name, value] of new URLSearchParams(q.text)) {
        if (name in notice) throw new Error(`two ${name}`);
        notice[name] = value;
      }
      return any(keys, (alipayPublicKey) =>
        new AlipaySdk({ appId: '1', privateKey: privateKey(), keyType: 'PKCS8', alipayPublicKey }).checkNotifySignV2(notice));
    },
  },

  'coinbase-commerce-node': {
    async verify(q) {
      const { Webhook } = load('coinbase-commerce-node');
      return any(q.config.secrets, (secret) => Webhook.verifyEventBody(q.text, header(q, 'X-CC-Webhook-Signature'), secret));
    },
    async sign(q) {
      const { Webhook } = load('coinbase-commerce-node');
      return { headers: { 'X-CC-Webhook-Signature': Webhook.computeSignature(q.text, list(q.config.secrets)[0]) } };
    },
  },

  mercadopago: {
    async verify(q) {
      const { WebhookSignatureValidator } = load('mercadopago');
      const dataId = new URL(q.path, 'https://shop.example').searchParams.get('data.id');
      return any(q.config.secrets, (secret) => {
        WebhookSignatureValidator.validate(
          { xSignature: header(q, 'X-Signature'), xRequestId: header(q, 'X-Request-Id'), dataId, secret });
        return true;
      });
    },
  },

  'mollie-api-typescript': {
    async verify(q) {
      const { SignatureValidator } = load('mollie-api-typescript');
      return SignatureValidator.validate(q.text, list(q.config.secrets), header(q, 'X-Mollie-Signature'));
    },
    async sign(q) {
      const { SignatureValidator } = load('mollie-api-typescript');
      const mac = await SignatureValidator.createSignature(q.text, list(q.config.secrets)[0]);
      return { headers: { 'X-Mollie-Signature': `sha256=${mac}` } };
    },
  },

  'octokit-webhooks-methods': {
    async verify(q) {
      const { verify } = await import('@octokit/webhooks-methods');
      return any(q.config.secrets, (secret) => verify(secret, q.text, header(q, 'X-Hub-Signature-256')));
    },
    async sign(q) {
      const { sign } = await import('@octokit/webhooks-methods');
      return { headers: { 'X-Hub-Signature-256': await sign(list(q.config.secrets)[0], q.text) } };
    },
  },

  'paddle-node-sdk': {
    async verify(q) {
      const { Paddle } = load('@paddle/paddle-node-sdk');
      const paddle = new Paddle('pdl_sdbx_apikey_none', { logLevel: 'none' });
      const signature = header(q, 'Paddle-Signature');
      return any(q.config.secrets, async (secret) => {
        const valid = await paddle.webhooks.isSignatureValid(q.text, secret, signature);
        if (valid && q.typed) await paddle.webhooks.unmarshal(q.text, secret, signature);
        return valid;
      });
    },
  },

  'razorpay-node': {
    async verify(q) {
      const Razorpay = load('razorpay');
      return any(q.config.secrets, (secret) =>
        Razorpay.validateWebhookSignature(q.text, header(q, 'X-Razorpay-Signature'), secret));
    },
  },

  'shopify-api': {
    async verify(q) {
      load('@shopify/shopify-api/adapters/node');
      const { shopifyApi, ApiVersion, LogSeverity } = load('@shopify/shopify-api');
      const request = { method: q.method, url: q.path, headers: allHeaders(q) };
      return any(q.config.secrets, async (apiSecretKey) => {
        const shopify = shopifyApi({
          apiKey: 'key', apiSecretKey, hostName: 'shop.example', isEmbeddedApp: true, scopes: [],
          apiVersion: Object.values(ApiVersion).at(-1), logger: { level: LogSeverity.Error },
        });
        const { valid } = await shopify.webhooks.validate({ rawBody: q.text, rawRequest: request, rawResponse: {} });
        return valid;
      });
    },
  },

  'square-node': {
    async verify(q) {
      const { WebhooksHelper } = load('square');
      return any(q.config.signature_keys, (signatureKey) => WebhooksHelper.verifySignature({
        requestBody: q.text, signatureHeader: header(q, 'X-Square-HmacSha256-Signature') ?? '', signatureKey,
        notificationUrl: q.config.notification_url,
      }));
    },
  },

  'standardwebhooks-js': {
    async verify(q) {
      const { Webhook } = load('standardwebhooks');
      return any(q.config.secrets, (secret) => {
        new Webhook(secret).verify(q.bytes, allHeaders(q));
        return true;
      });
    },
    async sign(q) {
      const { Webhook } = load('standardwebhooks');
      const id = header(q, 'webhook-id');
      return { headers: { 'webhook-timestamp': String(q.now),
        'webhook-signature': new Webhook(list(q.config.secrets)[0]).sign(id, new Date(), q.text) } };
    },
  },

  'stripe-node': {
    async verify(q) {
      const Stripe = load('stripe');
      return any(q.config.secrets, (secret) => Boolean(
        new Stripe('sk_test_none').webhooks.constructEvent(q.bytes, header(q, 'Stripe-Signature'), secret)));
    },
    async sign(q) {
      const Stripe = load('stripe');
      return { headers: { 'Stripe-Signature': new Stripe('sk_test_none').webhooks.generateTestHeaderString(
        { payload: q.text, secret: list(q.config.secrets)[0], timestamp: q.now }) } };
    },
  },
};

const publicKeyOf = (pem) => new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'pem' });

// alipay-sdk insists on the key that requests are signed with, which verifying does not use.
let unused;
const privateKey = () => unused ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');

const answer = async (q) => {
  now = q.now * 1000;
  q.bytes = Buffer.from(q.body ?? '', 'base64');
  q.text = q.bytes.toString(); // most packages take text
  const tool = tools[q.tool];
  if (q.do === 'sign') {
    const { headers = {}, body } = await tool.sign(q);
    return { headers, body: body === undefined ? q.body : Buffer.from(body).toString('base64') };
  }
  try {
    return { accept: await tool.verify(q) === true };
  } catch (e) {
    return { accept: false, detail: `${e.message}`.slice(0, 300) };
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n');
}
