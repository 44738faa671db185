/** Certificates made with the openssl tool, in a directory that is removed afterwards. Without the
 *  tool the tests that need it are skipped: `describe.skipIf(!hasOpenssl)`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** For the titles of what is skipped without it. */
export const needsOpenssl = hasOpenssl ? '' : ' (needs the openssl tool: apt-get install openssl)';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export class Authority {
  readonly directory = mkdtempSync(join(tmpdir(), 'spoor-tls-'));
  readonly ca = join(this.directory, 'ca.pem');
  readonly #caKey = join(this.directory, 'ca.key');

  constructor(name = 'Spoor test authority') {
    this.#run(
      'req',
      '-x509',
      ...this.#newKey(this.#caKey),
      '-subj',
      `/CN=${name}`,
      '-out',
      this.ca,
    );
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Good for localhost; the same name twice renews it in place. */
  issue(name: string): KeyPair {
    const [cert, key, request] = [
      this.path(`${name}.pem`),
      this.path(`${name}.key`),
      this.path('csr'),
    ];
    const extensions = this.path('extensions');
    writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:spoor.example\n');
    this.#run('req', ...this.#newKey(key), '-subj', `/CN=${name}`, '-out', request);
    const signer = ['-CA', this.ca, '-CAkey', this.#caKey, '-CAcreateserial', '-days', '2'];
    this.#run('x509', '-req', '-in', request, ...signer, '-extfile', extensions, '-out', cert);
    return { cert, key };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #newKey(path: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path];
  }

  #run(...given: readonly string[]): void {
    const { status, stderr } = spawnSync('openssl', given, { cwd: this.directory });
    if (status !== 0) throw new Error(`openssl ${given.join(' ')}: ${String(stderr)}`);
  }
}
