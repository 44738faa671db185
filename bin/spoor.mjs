#!/usr/bin/env node
/** The published command. Plain JavaScript that any Node reads, so that an old one gets a sentence
 *  instead of a syntax error. The package carries dist/; a checkout runs its sources. */
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `spoor needs Node.js 22.18 or newer and this is ${process.versions.node}: install it from https://nodejs.org\n`,
  );
  process.exit(1);
}

const source = new URL('../src/cli/main.ts', import.meta.url);
const built = new URL('../dist/cli/main.js', import.meta.url);
await import(existsSync(source) ? source.href : built.href);
