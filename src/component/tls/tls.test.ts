import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { tlsServer } from '../../config/tls.ts';
import { silentLogger, type Logger } from '../../lib/logger.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { Authority, hasOpenssl, needsOpenssl } from './authority.fixture.ts';
import { contextOptions, readPems, validityWarning } from './certificates.ts';
import { TlsRenewal } from './renewal.ts';

function configOf(input: object) {
  const config = tlsServer().parse(input);
  if (config === undefined) throw new TypeError('no block');
  return config;
}

test('a file that is missing is told by name', async () => {
  const tls = configOf({ cert_file: '/nowhere/cert.pem', key_file: '/nowhere/key.pem' });
  await expect(readPems(tls)).rejects.toMatchObject({ code: 'bad_settings', hint: /path/ });
  await expect(readPems(tls)).rejects.toThrow('cannot read /nowhere/');
});

test.for([
  [{ cipher_suites: ['TLS_NULL'] }, 'not known'],
  [{ cipher_suites: ['TLS_RSA_WITH_AES_128_CBC_SHA'] }, 'include_insecure_cipher_suites'],
  [{ min_version: '1.1' }, 'not safe'],
  [{ min_version: '1.3', max_version: '1.2' }, 'below'],
  [{ tpm: { enabled: true } }, 'TPM'],
] as const)('%j is refused', ([more, message]) => {
  const parsed = tlsServer().safeParse({ cert_pem: 'c', key_pem: 'k', ...more });
  expect(parsed.error?.issues.map((issue) => issue.message).join()).toContain(message);
});

describe.skipIf(!hasOpenssl)(`certificates${needsOpenssl}`, () => {
  const authority = new Authority();
  afterAll(() => authority.remove());
  const one = authority.issue('one');
  const two = authority.issue('two');
  const blockOf = ({ cert, key }: { cert: string; key: string }) => ({
    cert_file: cert,
    key_file: key,
  });

  test('suites and curves are told to OpenSSL by its names', async () => {
    const tls = configOf({
      ...blockOf(one),
      cipher_suites: ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
      curve_preferences: ['X25519', 'P256'],
      max_version: '1.2',
    });
    expect(contextOptions(tls, await readPems(tls))).toMatchObject({
      ciphers: expect.stringContaining('ECDHE-ECDSA-AES128-GCM-SHA256'),
      ecdhCurve: 'X25519:P-256',
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
    });
  });

  test.for([
    ['a key of another certificate', { ...blockOf(one), key_file: two.key }, 'does not belong'],
    ['a certificate that is none', { ...blockOf(one), cert_file: one.key }, 'no certificate'],
    ['a key that is none', { ...blockOf(one), key_file: one.cert }, 'no usable private key'],
    ['an authority that is none', { ...blockOf(one), client_ca_file: one.key }, 'no certificate'],
  ] as const)('%s is refused by name', async ([, input, message]) => {
    const tls = configOf(input);
    const pems = await readPems(tls);
    expect(() => contextOptions(tls, pems)).toThrow(message);
    expect(() => contextOptions(tls, pems)).toThrow(authority.directory);
  });

  test('a certificate out of its time is a warning', async () => {
    const tls = configOf(blockOf(one));
    const pems = await readPems(tls);
    const day = 86_400_000;
    expect(validityWarning(tls, pems, Date.now() + 1000)).toBeUndefined();
    expect(validityWarning(tls, pems, Date.now() + 3 * day)).toContain('has expired');
    expect(validityWarning(tls, pems, Date.now() - day)).toContain('not valid before');
  });

  describe('renewal', () => {
    const renewals: TlsRenewal[] = [];
    afterEach(() => {
      for (const renewal of renewals.splice(0)) renewal.stop();
    });

    async function started(more: object = {}) {
      const [cert, key] = [authority.path('live.pem'), authority.path('live.key')];
      const install = (pair: { cert: string; key: string }) => {
        copyFileSync(pair.cert, cert);
        copyFileSync(pair.key, key);
      };
      install(one);
      const logged: object[] = [];
      const logger: Logger = { ...silentLogger, error: (fields) => void logged.push(fields) };
      const clock = new ManualClock();
      const seen: SecureContextOptions[] = [];
      const tls = configOf({ cert_file: cert, key_file: key, ...more });
      const renewal = new TlsRenewal(tls, { clock, logger }, (options) => seen.push(options));
      renewals.push(renewal);
      await renewal.start();
      return { install, clock, seen, logged, renewal, cert };
    }

    test('new files are told, the same ones are not', async () => {
      const { install, clock, seen, renewal } = await started();
      await renewal.look();
      expect(seen).toEqual([]);
      install(two);
      clock.advance(5000);
      await vi.waitFor(() => expect(seen).toHaveLength(1), 10_000);
      expect(seen[0]?.cert).toBe(readFileSync(two.cert, 'utf8'));
    });

    test('a half-written pair is logged once, and used when it is whole', async () => {
      const { install, seen, logged, renewal, cert } = await started();
      copyFileSync(two.cert, cert);
      await renewal.look();
      await renewal.look();
      writeFileSync(cert, '');
      await renewal.look();
      expect([seen.length, logged.length]).toEqual([0, 2]);
      install(two);
      await renewal.look();
      expect(seen).toHaveLength(1);
    });

    test('an authority of clients is renewed only when asked', async () => {
      for (const [isReloaded, count] of [
        [false, 0],
        [true, 1],
      ] as const) {
        const client_ca_file = authority.path('clients.pem');
        copyFileSync(authority.ca, client_ca_file);
        const { seen, renewal } = await started({
          client_ca_file,
          client_ca_file_reload: isReloaded,
        });
        copyFileSync(two.cert, client_ca_file);
        await renewal.look();
        expect(seen).toHaveLength(count);
      }
    });

    test('an interval of 0 never looks', async () => {
      const { install, clock, seen } = await started({ reload_interval: 0 });
      install(two);
      clock.advance(1e6);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(seen).toEqual([]);
    });
  });
});
