'use strict';

/* The start page: the pasted text becomes an article, and the same element that
   publishers embed summarises it. */

const get = (id) => document.getElementById(id);
const form = get('composer');
const summary = get('summary');
const HOME = get('main').dataset.root; // the prefix of a proxy in front, or nothing
let asked = 0; // performance.now() of the last press

function say(text) { get('notice').textContent = text; }

const chosen = (name) => new FormData(form).get(name); // form.elements.length is a count

/** A short first line that does not end like a sentence is the headline. */
function parts(text) {
  const lines = text.split(/\n+/).map((line) => line.trim()).filter(Boolean);
  const headline = lines.length > 1 && lines[0].length <= 160 && !/[.!?…]["”’]?$/.test(lines[0]);
  return { title: headline ? lines[0] : '', paragraphs: headline ? lines.slice(1) : lines };
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function summarise() {
  const { title, paragraphs } = parts(get('text').value);
  if (!paragraphs.length) {
    say('Paste an article first, or try the example.');
    get('text').focus();
    return;
  }
  say('');
  summary.close();
  get('article').replaceChildren(...(title ? [element('h1', title)] : []), ...paragraphs.map((text) => element('p', text)));
  summary.setAttribute('kind', chosen('kind'));
  summary.setAttribute('length', chosen('length'));
  get('details').hidden = true;
  get('result').hidden = false;
  asked = performance.now();
  summary.open();
  if (summary.summary) present(summary.summary); // the same question as before
  get('result').scrollIntoView({ block: 'start' });
}

const milliseconds = (seconds) => (seconds < 0.0995 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`);

function facts(response) {
  const { timings, model, coverage } = response;
  const rows = [
    ['Length', `${response.words} of ${response.source_words} words`],
    ['Read', `${coverage.read_sentences} of ${coverage.source_sentences} sentences`],
    ['Waiting', milliseconds(timings.queue_seconds)],
    ['Writing', response.cached ? 'from the cache' : milliseconds(timings.inference_seconds)],
    ['In your browser', milliseconds((performance.now() - asked) / 1000)],
    ['Model', `${model.name}, ${model.engine} ${model.precision}`],
    ['Id', response.id],
  ];
  get('facts').replaceChildren(...rows.flatMap(([name, value]) => [element('dt', name), element('dd', value)]));
}

function curl() {
  const title = get('article').querySelector('h1')?.textContent;
  const text = [...get('article').querySelectorAll('p')].map((p) => p.textContent).join('\n\n');
  const body = JSON.stringify({ text, ...(title && { title }), kind: chosen('kind'), length: chosen('length') });
  get('curl').textContent = `curl -s ${location.origin}${HOME}/v1/summaries \\\n  -H 'content-type: application/json' \\\n  -d '${body.replace(/'/g, String.raw`'\''`)}'`;
}

/** UTF-8, else what an HTML file says of itself, else the encoding of old Western files. */
async function decoded(file) {
  const bytes = await file.arrayBuffer();
  const western = new TextDecoder('windows-1252').decode(bytes);
  if (/[\0-\x08\x0e-\x1a]/.test(western)) throw new Error('Only text and HTML files can be read here.');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const declared = /<meta[^>]+charset=["']?([\w-]+)/i.exec(western)?.[1];
    return declared ? new TextDecoder(declared).decode(bytes) : western;
  }
}

/** The service finds the article in an HTML file; any other file is taken as text. */
async function take(file) {
  const content = await decoded(file);
  if (!/html/.test(file.type) && !/\.html?$/i.test(file.name)) {
    get('text').value = content;
    return;
  }
  const response = await fetch(HOME + '/v1/summaries', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ html: content, include_text: true }),
  }).catch(() => { throw new Error('The service could not be reached.'); });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  get('text').value = [answer.source?.title, answer.text].filter(Boolean).join('\n\n');
}

form.addEventListener('submit', (event) => { event.preventDefault(); summarise(); });

get('example').addEventListener('click', () => {
  get('text').value = [...get('sample').content.children].map((child) => child.textContent).join('\n\n');
  summarise();
});

function present(response) {
  facts(response);
  curl();
  get('details').hidden = false;
}

summary.addEventListener('inbrief:done', ({ detail }) => present(detail));

get('copy-curl').hidden = !navigator.clipboard; // there is none without HTTPS
get('copy-curl').addEventListener('click', async ({ target }) => {
  await navigator.clipboard.writeText(get('curl').textContent);
  target.textContent = 'Copied';
});

form.addEventListener('dragover', (event) => { event.preventDefault(); form.classList.add('over'); });
form.addEventListener('dragleave', () => form.classList.remove('over'));
form.addEventListener('drop', async (event) => {
  event.preventDefault();
  form.classList.remove('over');
  const file = event.dataTransfer.files[0];
  const text = event.dataTransfer.getData('text/plain');
  try {
    if (file) await take(file);
    else if (text) get('text').value = text;
    if (get('text').value) summarise();
  } catch (error) {
    say(error.message || 'This file could not be read.');
  }
});
