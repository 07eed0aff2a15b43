'use strict';

/* The snippet generator: the form's values become a snippet and, at once, the preview. */

const get = (id) => document.getElementById(id);
const form = get('options');
const live = get('live');
const { root, scriptUrl, scriptIntegrity } = get('main').dataset;
const DEFAULTS = { kind: 'key-points', length: 'short', accent: '#8f2a1c', radius: '10' };
const SHAPING = ['kind', 'length', 'language', 'theme', 'reviewed', 'prefer'];

const value = (name) => new FormData(form).get(name); // form.elements.length is a count
const checked = (name) => value(name) !== null;
const escape = (text) => text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');

/** Attributes of the element that differ from its defaults. */
function attributes() {
  const all = {
    kind: value('kind'),
    length: value('length'),
    language: value('language'),
    theme: value('theme'),
    'site-key': value('site-key').trim(),
    reviewed: checked('reviewed') ? 'editor' : '',
    prefer: checked('on-device') ? 'on-device' : '',
  };
  return new Map(Object.entries(all).filter(([name, text]) => text && text !== DEFAULTS[name]));
}

/** Black or white, whichever contrasts more with `colour` (WCAG 2.2, relative luminance). */
function contrasting(colour) {
  const channel = (at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? '#ffffff' : '#000000';
}

/** Custom properties that differ from the element's own design. */
function properties() {
  const set = new Map();
  if (value('accent') !== DEFAULTS.accent) {
    set.set('--inbrief-accent', value('accent')).set('--inbrief-on-accent', contrasting(value('accent')));
  }
  if (value('radius') !== DEFAULTS.radius) set.set('--inbrief-radius', `${value('radius')}px`);
  return set;
}

function snippet() {
  const auto = value('placement') === 'auto';
  const written = (prefix) => [...attributes()].map(([name, text]) => ` ${prefix}${name}="${escape(text)}"`).join('');
  const address = location.origin + (checked('pinned') ? scriptUrl : `${root}/widget/inbrief.js`);
  const pinned = checked('pinned') ? `\n  integrity="${scriptIntegrity}"\n  crossorigin="anonymous"` : '';
  const lines = [`<script src="${address}"${pinned}${auto ? ` data-auto${written('data-')}` : ''} async></script>`];
  if (!auto) lines.push('', `<inbrief-summary${written('')}></inbrief-summary>`);
  const rules = [...properties()].map(([name, text]) => ` ${name}: ${text};`).join('');
  if (rules) lines.push('', '/* in your style sheet */', `inbrief-summary {${rules} }`);
  if (!auto) {
    lines.push('', ...(rules ? [] : ['/* in your style sheet */']), 'inbrief-summary:not(:defined) { display: block; min-height: calc(3.7em + 2px); margin: 1.25em 0 }');
  }
  return lines.join('\n');
}

function show() {
  const wanted = attributes();
  SHAPING.forEach((name) => {
    if ((live.getAttribute(name) ?? '') === (wanted.get(name) ?? '')) return;
    if (wanted.has(name)) live.setAttribute(name, wanted.get(name));
    else live.removeAttribute(name);
  });
  const set = properties();
  ['--inbrief-accent', '--inbrief-on-accent', '--inbrief-radius'].forEach((name) => live.style.setProperty(name, set.get(name) ?? ''));
  get('preview').dataset.theme = value('theme');
  get('snippet').textContent = snippet();
  get('copy').textContent = 'Copy the snippet';
  get('where').textContent = value('placement') === 'auto'
    ? 'Put it into the head of your article pages: it finds the article and stands above and below it. Without async, the page waits for the script and nothing on it moves.'
    : 'The script goes into the head once; the element goes wherever you want the button, as often as you want it.';
}

form.addEventListener('input', show);
form.addEventListener('submit', (event) => event.preventDefault());
get('copy').hidden = !navigator.clipboard; // there is none without HTTPS
get('copy').addEventListener('click', async ({ target }) => {
  await navigator.clipboard.writeText(get('snippet').textContent);
  target.textContent = get('status').textContent = 'Copied';
});
show();
