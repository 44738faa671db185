/** The page: orders rides, shows how long each took with a link to its trace, and sets the
 *  switches. Plain DOM; all words come from messages.js. */
import { messages } from './messages.js';

const RIDES_MAX = 50;
const BARS_MAX = 40;
const CROWD = 10;
const SVG = 'http://www.w3.org/2000/svg';
const SWITCHES = ['transactions', 'lookups', 'workers'];

const byId = (id) => document.getElementById(id);
const about = await (await fetch('/about')).json();
const rides = [];
let language = remembered('language', navigator.language.startsWith('ko') ? 'ko' : 'en');

function remembered(key, fallback) {
  return localStorage.getItem(`hotrod.${key}`) ?? fallback;
}

function remember(key, value) {
  localStorage.setItem(`hotrod.${key}`, value);
}

function say(key, values = {}) {
  return messages[language][key].replaceAll(/\{(\w+)\}/g, (_, name) => values[name]);
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

async function order(customer) {
  const ride = { customer: customer.name };
  rides.unshift(ride);
  rides.length = Math.min(rides.length, RIDES_MAX);
  showRides();
  try {
    const response = await fetch(`/dispatch?customer=${customer.id}`);
    const answer = await response.json();
    Object.assign(ride, response.ok ? answer : { error: answer.error });
    if (response.ok) drive(answer);
  } catch (error) {
    ride.error = error.message;
  }
  showRides();
}

function orderCrowd() {
  for (let i = 0; i < CROWD; i++) void order(about.customers[i % about.customers.length]);
}

async function toggle(name) {
  const response = await fetch('/switches', {
    method: 'PUT',
    body: JSON.stringify({ [name]: !about.switches[name] }),
  });
  about.switches = await response.json();
  // In place: a rebuilt button would lose the keyboard's focus.
  for (const button of byId('switches').children) {
    button.setAttribute('aria-checked', String(about.switches[button.dataset.switch]));
  }
}

/** Draws the drive along the streets: first across, then up or down. */
function drive({ from, to }) {
  const d = `M${from.x} ${from.y}H${to.x}V${to.y}`;
  const line = shape('path', { d, pathLength: 1, class: 'drive' });
  const car = shape('circle', { cx: from.x, cy: from.y, r: 0.6, class: 'car' });
  byId('drives').append(line, car);
  setTimeout(() => [line, car].forEach((part) => part.remove()), 6000);
}

function rideLine(ride) {
  const done = ride.traceId !== undefined;
  const text = done
    ? say('arrives', ride)
    : ride.error === undefined
      ? say('ordering')
      : say('failed', ride);
  const line = element(
    'li',
    { className: ride.error === undefined ? '' : 'failed' },
    element('b', { textContent: ride.customer }),
    element('span', { textContent: text }),
  );
  if (done) {
    line.append(
      element('span', { className: 'ms', textContent: `${ride.tookMs} ms` }),
      element('a', {
        href: `${about.spoorUrl}/trace/${ride.traceId}`,
        target: '_blank',
        rel: 'noopener',
        textContent: say('trace'),
        ariaLabel: say('traceOf', ride),
      }),
    );
  }
  return line;
}

function showRides() {
  byId('empty').hidden = rides.length > 0;
  byId('rides').replaceChildren(...rides.map(rideLine));
  const took = rides.map((ride) => ride.tookMs).filter((ms) => ms !== undefined);
  const lastTen = took.slice(0, 10).toSorted((a, b) => a - b);
  byId('median').textContent =
    lastTen.length === 0 ? '–' : `${lastTen[Math.floor(lastTen.length / 2)]} ms`;
  showBars(took.slice(0, BARS_MAX).toReversed());
}

function showBars(took) {
  const highest = Math.max(200, ...took);
  const width = 200 / BARS_MAX;
  byId('bars').replaceChildren(
    ...took.map((ms, index) => {
      const height = Math.max(1, (ms / highest) * 60);
      return shape('rect', { x: index * width, y: 60 - height, width: width * 0.7, height });
    }),
  );
}

function showSwitches() {
  byId('switches').replaceChildren(
    ...SWITCHES.map((name) => {
      const button = element(
        'button',
        { type: 'button', className: 'switch', onclick: () => toggle(name) },
        element('i'),
        element('b', { textContent: say(name) }),
        element('small', { textContent: say(`${name}Hint`) }),
      );
      button.dataset.switch = name;
      button.setAttribute('role', 'switch');
      button.setAttribute('aria-checked', String(about.switches[name]));
      return button;
    }),
  );
}

function showCustomers() {
  byId('customers').replaceChildren(
    ...about.customers.map((customer) =>
      element('button', {
        type: 'button',
        textContent: customer.name,
        onclick: () => order(customer),
      }),
    ),
  );
}

function drawMap() {
  const streets = [];
  for (let at = 0; at <= 40; at += 4) {
    streets.push(shape('path', { d: `M${at} 0V40M0 ${at}H40` }));
  }
  byId('streets').replaceChildren(...streets);
  byId('pins').replaceChildren(
    ...about.customers.flatMap(({ name, place }) => {
      const label = shape('text', { x: place.x, y: place.y + 2.6 });
      label.textContent = name;
      return [shape('circle', { cx: place.x, cy: place.y, r: 0.9 }), label];
    }),
  );
}

function showWords() {
  document.documentElement.lang = language;
  for (const part of document.querySelectorAll('[data-text]')) {
    part.textContent = say(part.dataset.text);
  }
  byId('language').textContent = say('otherLanguage');
  byId('search').href = `${about.spoorUrl}/search?service=frontend`;
  showSwitches();
  showRides();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  remember('theme', theme);
}

byId('crowd').addEventListener('click', orderCrowd);
byId('language').addEventListener('click', () => {
  language = language === 'en' ? 'ko' : 'en';
  remember('language', language);
  showWords();
});
byId('theme').addEventListener('click', () => {
  setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
});
const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
setTheme(remembered('theme', isDark ? 'dark' : 'light'));
showCustomers();
drawMap();
showWords();
