/** Brings the clients of the interop tests that npm does not: a Python virtual environment from
 *  pinned requirements, and Java classes with the jars they need. Both land under
 *  .cache/interop with a stamp of what they were made from, so a second run has nothing to do.
 *  What cannot be had here is logged; its tests then skip and say what to install. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALL_WITHIN_MS = 8 * 60_000;

export async function setup({ root, debian, log }) {
  const places = interopPlaces(root);
  // One after another: each keeps both cores busy for itself.
  for (const [name, bring] of [
    ['python', bringPython],
    ['java', bringJava],
  ]) {
    if (isCurrent(places[name])) continue;
    log(`interop: preparing the ${name} clients (once)`);
    try {
      await bring(places[name], debian);
      writeFileSync(places[name].stamp, stampOf(places[name]));
    } catch (error) {
      log(`interop: no ${name} clients: ${firstLines(error)}`);
    }
  }
}

/** Where each language's sources are and where what is made of them goes. */
export function interopPlaces(root) {
  const cache = join(root, '.cache', 'interop');
  const from = (name) => join(root, 'test', 'interop', name);
  const place = (name, sources) => ({
    from: from(name),
    sources: sources.map((source) => join(from(name), source)),
    to: join(cache, name),
    stamp: join(cache, `${name}.stamp`),
  });
  const classes = join('src', 'main', 'java', 'interop');
  return {
    python: place('python', ['requirements.txt']),
    java: place('java', ['pom.xml', join(classes, 'Shop.java'), join(classes, 'Plain.java')]),
  };
}

/** Whether what was made is there and made of the sources as they are now. */
export function isCurrent(place) {
  return existsSync(place.stamp) && readFileSync(place.stamp, 'utf8') === stampOf(place);
}

function stampOf({ sources, to }) {
  const hash = createHash('sha256').update(to);
  for (const source of sources) hash.update(readFileSync(source));
  return hash.digest('hex');
}

async function bringPython({ from, to }, debian) {
  rmSync(to, { recursive: true, force: true });
  const python = await makeEnvironment(to, debian);
  const requirements = join(from, 'requirements.txt');
  const options = ['--quiet', '--disable-pip-version-check', '--no-deps'];
  await run(python, ['-m', 'pip', 'install', ...options, '-r', requirements], {
    timeout: INSTALL_WITHIN_MS,
  });
}

async function makeEnvironment(to, debian) {
  const make = (python) => run(python, ['-m', 'venv', to], { timeout: INSTALL_WITHIN_MS });
  try {
    await make('python3');
  } catch (error) {
    if (debian === undefined) throw new Error('install Python 3.10+ with venv', { cause: error });
    debian(['python3', 'python3-venv']);
    await make('/usr/bin/python3');
  }
  return join(to, 'bin', 'python');
}

async function bringJava({ from, to }, debian) {
  if (!(await isThere('javac', '-version'))) installJava(debian, 'openjdk-17-jdk-headless');
  if (!(await isThere('mvn', '--version'))) installJava(debian, 'maven');
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const options = ['-q', '-B', '-ntp', `-Dout=${to}`, '-f', join(from, 'pom.xml')];
  await run('mvn', [...options, 'compile'], { timeout: INSTALL_WITHIN_MS });
  if (readdirSync(join(to, 'lib')).length === 0) throw new Error('maven brought no libraries');
}

function installJava(debian, name) {
  if (debian === undefined) throw new Error('install a JDK (17 or later) and Maven');
  debian([name]);
}

async function isThere(command, ...args) {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}

function firstLines(error) {
  const text = `${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`;
  return text.split('\n').filter(Boolean).slice(0, 4).join(' | ').slice(0, 600);
}
