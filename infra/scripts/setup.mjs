// Brings a clone into the state that everything else expects: packages and Java parts. Plain JavaScript,
// because it must run on the Node that the machine happens to have; everything after it runs on Node 24.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const modules = join(root, 'node_modules');
const cache = join(root, '.causeway', 'cache');
const parts = join(cache, 'parts');
const pom = join(root, 'infra', 'dev', 'backing-services', 'kafka', 'pom.xml');
const PROGRESS_EVERY_MS = 5_000;

const say = (line) => process.stderr.write(`${line}\n`);
const stop = (sentence) => {
  say(sentence);
  process.exit(1);
};

const digest = (path) =>
  createHash('sha256')
    .update(`${process.platform} ${process.arch} `)
    .update(readFileSync(path))
    .digest('hex');
const stampOf = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

const packagesStamp = {
  path: join(modules, '.causeway-stamp'),
  value: digest(join(root, 'package-lock.json')),
};
const partsStamp = { path: join(parts, 'stamp'), value: digest(pom) };
const isCurrent = (stamp) => stampOf(stamp.path) === stamp.value;

const javaNeeded = !(process.env.KAFKA_BROKERS && process.env.SCHEMA_REGISTRY_URL);

function checkJava() {
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java';
  const { error, stderr } = spawnSync(java, ['-version'], { encoding: 'utf8' });
  if (error)
    stop(
      'Java 17 or later is needed to run the broker and is not installed (on Debian: apt-get install default-jre-headless).',
    );
  const major = Number(/version "(?:1\.)?(\d+)/.exec(stderr ?? '')?.[1]);
  if (!(major >= 17)) stop(`Java 17 or later is needed to run the broker; "${java}" is version ${major}.`);
}

/** Only one set-up at a time in a clone: `npm start` and `npm test` may begin together. */
async function lock() {
  mkdirSync(cache, { recursive: true });
  const path = join(cache, 'setup.lock');
  for (let told = false; ; told = true) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      process.on('exit', () => rmSync(path, { force: true }));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isAlive(Number(stampOf(path)))) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) say('waiting for another set-up of this clone to finish …');
    await delay(500);
  }
}

function isAlive(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Runs a program to its end and says every few seconds how far it is. */
function run(title, command, args, progress) {
  const began = Date.now();
  const seconds = () => `${Math.round((Date.now() - began) / 1000)} s`;
  // The Node 24 in node_modules is about to be replaced: what installs it must not run on it.
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(modules));
  return new Promise((done) => {
    say(`${title} …`);
    const env = { ...process.env, PATH: path.join(delimiter) };
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => child.kill();
    process.on('exit', end);
    let last = '';
    const take = (chunk) => {
      last = (last + chunk).slice(-8_000);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const timer = setInterval(() => say(`${title} … ${seconds()}${progress(last)}`), PROGRESS_EVERY_MS);
    const finish = (result) => {
      clearInterval(timer);
      process.off('exit', end);
      if (result.ok) say(`${title}: done in ${seconds()}`);
      done(result);
    };
    child.once('error', (error) =>
      finish({ ok: false, missing: error.code === 'ENOENT', last: error.message }),
    );
    child.once('close', (code) => finish({ ok: code === 0, missing: false, last }));
  });
}

const complaints = (text, pattern, count) =>
  stripVTControlCharacters(text)
    .split(/[\r\n]+/)
    .filter((line) => pattern.test(line))
    .slice(0, count)
    .map((line) => `  ${line.slice(0, 240)}`)
    .join('\n');

async function installPackages() {
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const installed = () => (existsSync(modules) ? `, ${readdirSync(modules).length} folders` : '');
  const { ok, missing, last } = await run('installing npm packages', 'npm', args, installed);
  if (missing) return 'npm is needed and is not installed.';
  if (!ok)
    return `npm could not install the packages; is there a network?\n${complaints(last, /npm (error|ERR)/, 3)}`;
  writeFileSync(packagesStamp.path, packagesStamp.value);
  return null;
}

async function fetchParts() {
  const fresh = `${parts}.new`;
  for (const old of [fresh, parts]) rmSync(old, { recursive: true, force: true });
  const args = ['-f', pom, `-Dparts=${fresh}`, 'validate'];
  const progress = (text) => {
    const shown = text.match(/Progress \(\d+\): [^\r\n]*/g)?.at(-1);
    return shown ? `, ${shown.replace(/Progress \(\d+\): /, '').trim()}` : '';
  };
  const { ok, missing, last } = await run('fetching Kafka and the schema registry', 'mvn', args, progress);
  if (missing)
    return 'Maven is needed to fetch the broker and is not installed (on Debian: apt-get install maven).';
  if (!ok) return `Maven could not fetch the broker; is there a network?\n${complaints(last, /ERROR/, 1)}`;
  writeFileSync(join(fresh, 'stamp'), partsStamp.value);
  renameSync(fresh, parts);
  return null;
}

async function main() {
  if (javaNeeded) checkJava();
  const wanted = () => [
    ...(isCurrent(packagesStamp) ? [] : [installPackages]),
    ...(isCurrent(partsStamp) || !javaNeeded ? [] : [fetchParts]),
  ];
  if (wanted().length > 0) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));
    await lock();
    const problems = (await Promise.all(wanted().map((step) => step()))).filter(Boolean);
    if (problems.length > 0) stop(problems.join('\n'));
  }
  const major = Number(process.versions.node.split('.')[0]);
  if (
    !existsSync(join(modules, '.bin', 'node')) &&
    !existsSync(join(modules, '.bin', 'node.cmd')) &&
    major < 24
  ) {
    stop(
      `Node 24 is needed: there is no npm package of it for ${process.platform} ${process.arch}, so install it yourself.`,
    );
  }
}

await main();
