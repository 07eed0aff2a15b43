/* <inbrief-summary>, the button beside an article. Apache-2.0 */
(() => {
'use strict';

const script = document.currentScript;
const HOME = new URL('..', script?.src || location).href;
const WORDS_PER_MINUTE = 230; // silent reading (Brysbaert 2019)
const LONG = 600;
const SILENCE_MILLISECONDS = 60000;

const KEYS = 'question button close loading ai editor saved copy copied listen stop retry back show unsupported device short language busy unavailable failed'.split(' ');
const TEXTS = {
  en: 'No time to read?|Get a summary|Close|Reading the article…|AI-generated summary|Checked by an editor|{summary} min instead of {article}|Copy|Copied|Listen|Stop|Try again|Back to the summary|Show in the article|Not in the article:|Not checked against the article.|This article is short enough to read in full.|No summaries in this language yet.|Many readers are asking right now. Please wait a moment.|No summary for this page.|Sorry, the summary could not be loaded.',
  de: 'Keine Zeit zum Lesen?|Zusammenfassung|Schließen|Der Artikel wird gelesen …|KI-generierte Zusammenfassung|Redaktionell geprüft|{summary} Min. statt {article}|Kopieren|Kopiert|Anhören|Stopp|Noch einmal|Zurück zur Zusammenfassung|Im Artikel zeigen|Nicht im Artikel:|Nicht mit dem Artikel abgeglichen.|Dieser Artikel ist kurz genug, um ihn ganz zu lesen.|Noch keine Zusammenfassung in dieser Sprache.|Gerade fragen viele an. Bitte warten Sie einen Moment.|Keine Zusammenfassung für diese Seite.|Die Zusammenfassung konnte leider nicht geladen werden.',
  fr: 'Pas le temps de lire ?|Lire le résumé|Fermer|Lecture de l’article…|Résumé généré par IA|Vérifié par la rédaction|{summary} min au lieu de {article}|Copier|Copié|Écouter|Arrêter|Réessayer|Retour au résumé|Montrer dans l’article|Absent de l’article :|Non comparé à l’article.|Cet article est assez court pour être lu en entier.|Pas encore de résumé dans cette langue.|Les demandes sont nombreuses. Patientez un instant.|Pas de résumé pour cette page.|Désolé, le résumé n’a pas pu être chargé.',
  es: '¿Sin tiempo para leer?|Ver el resumen|Cerrar|Leyendo el artículo…|Resumen generado por IA|Revisado por la redacción|{summary} min en vez de {article}|Copiar|Copiado|Escuchar|Parar|Reintentar|Volver al resumen|Mostrar en el artículo|No está en el artículo:|No comprobado con el artículo.|Este artículo es breve: puede leerlo entero.|Aún no hay resúmenes en este idioma.|Hay muchas peticiones. Espere un momento.|No hay resumen para esta página.|Lo sentimos: no se pudo cargar el resumen.',
  it: 'Non hai tempo di leggere?|Leggi il riassunto|Chiudi|Lettura dell’articolo…|Riassunto generato dall’IA|Verificato dalla redazione|{summary} min invece di {article}|Copia|Copiato|Ascolta|Ferma|Riprova|Torna al riassunto|Mostra nell’articolo|Non è nell’articolo:|Non confrontato con l’articolo.|Questo articolo è abbastanza breve da leggere per intero.|Non ci sono ancora riassunti in questa lingua.|Le richieste sono molte. Attendi un momento.|Non c’è un riassunto per questa pagina.|Il riassunto purtroppo non è disponibile ora.',
  pt: 'Sem tempo para ler?|Ver o resumo|Fechar|Lendo o artigo…|Resumo gerado por IA|Revisto pela redação|{summary} min em vez de {article}|Copiar|Copiado|Ouvir|Parar|Tentar de novo|Voltar ao resumo|Mostrar no artigo|Não está no artigo:|Não comparado com o artigo.|Este artigo é curto: pode lê-lo por inteiro.|Ainda não há resumos neste idioma.|Há muitos pedidos agora. Aguarde um momento.|Não há resumo para esta página.|Não foi possível carregar o resumo.',
  ru: 'Нет времени читать?|Кратко|Закрыть|Читаем статью…|Сводка, созданная ИИ|Проверено редактором|{summary} мин вместо {article}|Копировать|Скопировано|Слушать|Остановить|Повторить|Назад к сводке|Показать в статье|Нет в статье:|Не сверено со статьёй.|Эта статья короткая: её стоит прочесть целиком.|На этом языке сводок пока нет.|Сейчас много запросов. Подождите минуту.|Для этой страницы нет сводки.|Не удалось загрузить сводку.',
  ar: 'لا وقت للقراءة؟|اعرض الملخص|إغلاق|جارٍ قراءة المقال…|ملخص من إنشاء الذكاء الاصطناعي|راجعه محرر|{summary} دقيقة بدلاً من {article}|نسخ|تم النسخ|استماع|إيقاف|أعد المحاولة|العودة إلى الملخص|أظهر في المقال|ليس في المقال:|لم يُقارن بالمقال.|هذا المقال قصير ويمكن قراءته كاملاً.|لا ملخصات بهذه اللغة بعد.|الطلبات كثيرة الآن. انتظر قليلاً.|لا ملخص لهذه الصفحة.|تعذر تحميل الملخص.',
};

const STYLE = `
:host { display: block; margin: 1.25em 0; font-family: var(--inbrief-font, inherit); line-height: 1.5;
  --ink: var(--inbrief-color, light-dark(#23211d, #ece7dd)); --soft: var(--inbrief-muted, light-dark(#635d53, #aca597));
  --paper: var(--inbrief-background, light-dark(#f7f4ee, #23211e)); --rule: var(--inbrief-border, light-dark(#d9d2c5, #45413a));
  --accent: var(--inbrief-accent, light-dark(#8f2a1c, #f0a593)); --on: var(--inbrief-on-accent, light-dark(#fff, #2a100b));
  --warn: var(--inbrief-warning, light-dark(#8a5300, #f0be6a)); --chosen: var(--inbrief-highlight, #ffe27a); --round: var(--inbrief-radius, 10px) }
:host([theme=light]) { color-scheme: only light }
:host([theme=dark]) { color-scheme: only dark }
:host([hidden]), [hidden] { display: none !important }
.card { color: var(--ink); background: var(--paper); border: 1px solid var(--rule); border-radius: var(--round) }
.bar, .tools, .meta { display: flex; flex-wrap: wrap; align-items: center; gap: .3em 1em }
.bar { justify-content: space-between; padding-block: .6em; padding-inline: 1.1em .7em }
button { font: inherit; color: var(--accent); background: none; border: 1px solid transparent; border-radius: calc(var(--round) * .7); padding: .35em .8em; min-height: 2.5em; cursor: pointer }
.toggle, .back { background: var(--accent); color: var(--on); font-weight: 600 }
.toggle:hover { filter: brightness(1.12) }
[aria-expanded=true], .retry { background: none; color: var(--accent); border-color: currentColor }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.panel { border-top: 1px solid var(--rule); padding: .9em 1.1em .5em }
.meta, .tools, .disclosure, .warning { font-size: .84em; color: var(--soft) }
.meta, .error { margin: 0 0 .6em }
.label { font-weight: 600; color: var(--accent) }
.text { margin: 0; padding: 0; list-style: none }
li { position: relative; padding-inline-start: 1.2em; margin: 0 0 .55em }
li::before { content: ""; position: absolute; inset-inline-start: .1em; top: .6em; border: .2em solid var(--accent); border-radius: 50% }
.headline { font-size: 1.3em; line-height: 1.3; font-weight: 600 }
.sentence { animation: in .35s }
[role=button] { cursor: pointer; text-decoration: underline dotted transparent; text-underline-offset: .25em }
[role=button]:hover { text-decoration-color: currentColor }
[aria-pressed=true].sentence, .spoken { background: var(--chosen); color: #1d1a12; box-shadow: 0 0 0 .15em var(--chosen) }
.unsupported > .sentence { text-decoration: underline wavy var(--warn) 1.5px; text-underline-offset: .2em }
.warning { color: var(--warn); border: 1px solid; border-radius: .4em; padding: 0 .45em; margin-inline-start: .4em }
.bone { display: block; height: .8em; margin: .4em 0 .75em; border-radius: .3em; background: linear-gradient(100deg, var(--rule) 40%, var(--paper) 50%, var(--rule) 60%) 0 / 300% 100%; animation: shine 1.6s linear infinite }
.disclosure { margin: .6em 0 0 }
.tools { gap: .2em; margin: .4em -.8em 0 }
.close { margin-inline-start: auto }
.back { position: fixed; inset: auto 0 1.25rem; margin: 0 auto; width: max-content; box-shadow: 0 4px 18px #0005 }
.quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
@keyframes in { from { opacity: 0 } }
@keyframes shine { from { background-position: 100% } to { background-position: -50% } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important } }
@media print { :host { display: none } }`;

/** Not bound by a page's style-src. */
const styles = (css) => { const made = new CSSStyleSheet(); made.replaceSync(css); return made; };
let sheet;

const h = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value.call) element.addEventListener(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

/* Reading the article */

const HEADING = 'h1:not([data-inbrief-skip])';
const FURNITURE = 'inbrief-summary,nav,aside,footer,form,button,svg,video,audio,[aria-hidden=true],[data-inbrief-skip]';

/** The visible text under `root`, with the node and offset of each unit. */
function read(root) {
  const units = [], places = [];
  const heading = query(HEADING, root);
  let gap = '';
  const walk = (node) => {
    if (node.nodeType === 3) {
      node.data.split('').forEach((unit, offset) => {
        if (/\s/.test(unit)) { gap ||= ' '; return; }
        for (const put of [...(units.length ? gap : ''), unit]) { units.push(put); places.push([node, offset]); }
        gap = '';
      });
    } else if (node.nodeType === 1) {
      const { display } = getComputedStyle(node);
      if (node.tagName === 'BR') gap = '\n';
      if (node === heading || node.matches(FURNITURE)) return;
      if (display !== 'contents' && node.checkVisibility?.({ visibilityProperty: true }) === false) return;
      const block = !/^(inline|contents|ruby)/.test(display);
      if (block) gap = '\n\n';
      node.childNodes.forEach(walk);
      if (block) gap = '\n\n';
    }
  };
  walk(root);
  const text = units.join('');
  return {
    root,
    text: text.toWellFormed?.() ?? text,
    title: (heading || query(HEADING))?.textContent.trim(),
    range(start, end) {
      if (!(start < end && end <= places.length)) return;
      const range = document.createRange();
      range.setStart(...places[start]);
      range.setEnd(places[end - 1][0], places[end - 1][1] + 1);
      return range;
    },
  };
}

/** The service counts code points, the DOM UTF-16 units. */
function units(text, points) {
  let at = 0;
  while (points-- > 0 && at < text.length) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

function query(selector, from = document) {
  try { return from.querySelector(selector); } catch { return null; }
}

function find(element, selector) {
  if (selector) return query(selector);
  const BODY = '[itemprop~=articleBody]';
  const around = element?.closest('article');
  if (around) return query(BODY, around) || around;
  const size = (article) => article.textContent.length;
  return element?.closest(BODY) || query(BODY) || [...document.querySelectorAll('article')].sort((a, b) => size(b) - size(a))[0];
}

/** Where a page marks no article: `main`, or what holds most text in paragraphs. */
function likely() {
  let best;
  const sizes = new Map();
  document.querySelectorAll('p').forEach((p) => {
    const box = p.parentNode, size = (sizes.get(box) || 0) + p.textContent.length;
    sizes.set(box, size);
    if (size > (sizes.get(best) || LONG) && !p.closest(FURNITURE)) best = box;
  });
  return query('main') || best;
}

function structured() {
  let best = '';
  const look = (value) => {
    const body = value?.articleBody;
    if (body?.length > best.length && typeof body === 'string') best = body;
    if (value && typeof value === 'object') Object.values(value).forEach(look);
  };
  document.querySelectorAll('script[type="application/ld+json"]').forEach((block) => {
    try { look(JSON.parse(block.textContent)); } catch {}
  });
  return best;
}

/* Asking for the summary */

const failure = (kind, detail) => Object.assign(new Error(kind), { kind, detail });

function refusal(problem, status) {
  const type = problem.type || '';
  const kind = /too-short$/.test(type) ? 'short' : /language/.test(type) ? 'language'
    : /429|503|504/.test(status) ? 'busy' : status < 500 ? 'unavailable' : 'failed';
  return failure(kind, { status, ...problem });
}

async function fromService({ url, siteKey, body }, onSentence, controller) {
  let timer;
  const alive = () => { clearTimeout(timer); timer = setTimeout(() => controller.abort(), SILENCE_MILLISECONDS); };
  const headers = { accept: body ? 'text/event-stream' : 'application/json' };
  if (siteKey) headers.authorization = 'Bearer ' + siteKey;
  if (body) headers['content-type'] = 'application/json';
  try {
    alive();
    const response = await fetch(url, { method: body ? 'POST' : 'GET', headers, credentials: 'omit', body: body && JSON.stringify(body), signal: controller.signal });
    if (!response.ok) throw refusal(await response.json().catch(() => ({})), response.status);
    if (!/event-stream/.test(response.headers.get('content-type'))) return await response.json();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let buffer = ''; ;) {
      const { done, value } = await reader.read();
      if (done) throw failure('failed');
      alive();
      const blocks = (buffer + value).replace(/\r\n/g, '\n').split('\n\n');
      buffer = blocks.pop();
      for (const block of blocks) {
        const field = (name) => block.match(RegExp(`^${name}: ?(.*)`, 'm'))?.[1];
        const name = field('event'), data = field('data') && JSON.parse(field('data'));
        if (name === 'sentence') onSentence(data);
        if (name === 'done') return data;
        if (name === 'error') throw refusal(data, data.status);
      }
    }
  } finally { clearTimeout(timer); }
}

/** Null where Chrome's own model is not on the device. */
async function fromDevice({ body, device }, { signal }) {
  try {
    const options = { type: body.kind, length: body.length, format: 'plain-text', outputLanguage: device };
    if (await Summarizer.availability(options) !== 'available') return null;
    const summarizer = await Summarizer.create({ ...options, signal });
    const summary = await summarizer.summarize(body.text, { signal });
    summarizer.destroy();
    const sentences = summary.split('\n').map((line) => ({ text: line.replace(/^\s*[-*•]\s+/, '').trim() })).filter(({ text }) => text);
    const words = (text) => text.split(/\s+/).length;
    return { ...body, text: undefined, summary, sentences, words: words(summary), source_words: words(body.text), ai_generated: true, device: true };
  } catch { return null; }
}

const jobs = new Map(); // the buttons above and below an article share one question

function ask(key, request) {
  if (jobs.has(key)) return jobs.get(key);
  const controller = new AbortController();
  const job = { sentences: [], listeners: new Set(), users: 0, forget: () => jobs.get(key) === job && jobs.delete(key), controller };
  const onSentence = (sentence) => { job.sentences.push(sentence); job.listeners.forEach((tell) => tell(sentence)); };
  job.result = (async () => (request.device && await fromDevice(request, controller)) || fromService(request, onSentence, controller))();
  job.result.catch(job.forget).finally(() => { job.settled = true; });
  jobs.set(key, job);
  return job;
}

/* Evidence in the article */

const opened = new Set();
let marks;

function paint(chosen = []) {
  if (marks === undefined) {
    marks = !!(self.Highlight && CSS.highlights) && [new Highlight(), new Highlight()];
    if (marks) {
      CSS.highlights.set('inbrief-source', marks[0]).set('inbrief-evidence', marks[1]);
      marks[1].priority = 1;
      document.adoptedStyleSheets.push(styles(`@media screen{::highlight(inbrief-source){text-decoration:underline dotted #b08d57}
::highlight(inbrief-evidence){background-color:var(--inbrief-highlight,#ffe27a);color:#1d1a12}}`));
    }
  }
  if (marks) {
    marks.forEach((mark) => mark.clear());
    opened.forEach((element) => element.sources.flat().forEach((range) => marks[+chosen.includes(range)].add(range)));
  } else { // the page's own selection marks a passage without touching its DOM
    getSelection().removeAllRanges();
    if (chosen[0]) getSelection().addRange(chosen[0]);
  }
}

const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';

/** False when `range` is in view already. */
function reveal(range) {
  const box = range.getBoundingClientRect();
  if (box.top >= 0 && box.bottom <= innerHeight) return false;
  let pane = range.startContainer.parentElement;
  while (pane && !(pane.scrollHeight > pane.clientHeight && /auto|scroll/.test(getComputedStyle(pane).overflowY))) pane = pane.parentElement;
  const inner = pane && pane !== document.body && pane !== document.scrollingElement;
  (inner ? pane : self).scrollBy({ top: box.top - (inner ? pane.getBoundingClientRect().top + pane.clientHeight * 0.3 : innerHeight * 0.3), behavior: calm() });
  return true;
}

/* The element */

let count = 0;
const ASKING = ['for', 'kind', 'length', 'language', 'api', 'article-id', 'src', 'prefer', 'site-key'];

class InbriefSummary extends HTMLElement {
  static observedAttributes = [...ASKING, 'reviewed', ...KEYS.map((key) => 'text-' + key)];

  sources = []; // ranges in the article, by sentence
  #own = {}; #parts; #job; #tell; #key; #sent; #reading; #response; #watch; #open = false;

  set texts(value) { this.#own = value || {}; this.#relabel(); }
  get summary() { return this.#response; }

  connectedCallback() {
    if (!this.#parts) this.#build();
    this.#relabel();
  }

  disconnectedCallback() { this.close(); }

  attributeChangedCallback(name, before, after) {
    if (!this.#parts || before === after) return;
    if (ASKING.includes(name)) this.close();
    this.#relabel();
  }

  #language() {
    return (this.getAttribute('language') || this.closest('[lang]')?.lang || navigator.language || 'en').toLowerCase().split('-')[0];
  }

  #text(key) {
    return this.getAttribute('text-' + key) ?? this.#own[key] ?? (TEXTS[this.#language()] || TEXTS.en).split('|')[KEYS.indexOf(key)];
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent('inbrief:' + name, { bubbles: true, composed: true, detail }));
  }

  #build() {
    const id = 'inbrief-' + ++count;
    const p = this.#parts = {};
    const make = (tag, part, attributes, ...children) => p[part] = h(tag, { class: part, part, ...attributes }, ...children);
    const button = (part, click, attributes) => make('button', part, { type: 'button', click, ...attributes });
    const leave = () => { this.close(); p.toggle.focus(); };
    button('toggle', (event) => {
      if (event.detail > 1) return; // the second half of a double click
      if (this.#open) this.close(); else this.open();
    }, { 'aria-expanded': 'false', 'aria-controls': id });
    button('back', () => this.#return(), { popover: 'manual', hidden: '', 'aria-describedby': id + 'q' });
    make('p', 'meta', {}, make('span', 'label'), make('span', 'saved'));
    make('div', 'body', { 'aria-live': 'polite' });
    make('p', 'disclosure', { dir: 'auto' });
    make('div', 'tools', {}, button('copy', () => this.#copy()), button('listen', () => this.#listen(), { 'aria-pressed': 'false' }), button('close', leave));
    make('div', 'panel', { id, role: 'group', hidden: '' }, p.meta, p.body, p.disclosure, p.tools);
    p.quote = h('span', { class: 'quiet', id: id + 'q', 'aria-hidden': 'true' });
    p.status = h('span', { class: 'quiet', role: 'status' });
    make('div', 'card', {
      keydown: (event) => {
        if (event.key !== 'Escape' || !this.#open) return;
        if (p.back.hidden) leave(); else this.#return();
      },
    }, make('div', 'bar', {}, make('span', 'question'), p.toggle), p.panel, p.back, p.quote, p.status);
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet ||= styles(STYLE)];
    root.append(p.card);
  }

  #relabel() {
    const p = this.#parts;
    if (!p) return;
    const language = this.#language();
    p.card.lang = TEXTS[language] ? language : 'en';
    p.card.dir = /^(ar|fa|he|ur)$/.test(language) ? 'rtl' : 'ltr';
    for (const key of ['question', 'copy', 'listen', 'close', 'back']) p[key].textContent = this.#text(key);
    p.toggle.textContent = this.#text('button');
    p.label.textContent = this.#text(this.#reviewed ? 'editor' : 'ai');
    p.panel.setAttribute('aria-label', p.label.textContent);
  }

  get #reviewed() { return this.getAttribute('reviewed') === 'editor'; }

  #request() {
    const get = (name, otherwise) => this.getAttribute(name) || otherwise;
    const url = get('api', HOME).replace(/\/$/, '') + '/v1/summaries';
    const siteKey = get('site-key');
    const root = find(this, get('for'));
    this.#reading = root && read(root);
    this.#sent = undefined;
    const stored = get('src') || (get('article-id') && `${url}/${encodeURIComponent(get('article-id'))}`);
    if (stored) return { url: stored, siteKey };
    let text = this.#reading?.text;
    if (!text && !get('for')) {
      const main = likely();
      this.#reading = read(main || document.body);
      text = structured() || (main && this.#reading.text);
    }
    if (!text) throw failure('unavailable', { detail: 'no article found' });
    this.#sent = text;
    const body = { text, title: this.#reading.title || undefined, kind: get('kind', 'key-points'), length: get('length', 'short') };
    if (get('language')) body.language = this.#language();
    return { url, siteKey, body, device: get('prefer') === 'on-device' && 'Summarizer' in self && this.#language() };
  }

  async open() {
    if (this.#open) return;
    const p = this.#parts;
    let job;
    this.#open = true;
    p.toggle.setAttribute('aria-expanded', true);
    p.panel.hidden = false;
    opened.add(this);
    document.addEventListener('click', this.#fromArticle);
    this.#emit('open');
    try {
      const request = this.#request();
      const key = JSON.stringify(request);
      if (key === this.#key) {
        p.body.replaceChildren(); // the page may have drawn its article anew
        return this.#finish(this.#response);
      }
      this.#key = this.#response = undefined;
      this.#wait();
      job = this.#job = ask(key, request);
      job.users++;
      this.#tell = (sentence) => this.#add(sentence);
      job.sentences.forEach(this.#tell);
      job.listeners.add(this.#tell);
      const response = await job.result;
      if (this.#job !== job) return;
      this.#leave();
      this.#finish(response);
      this.#key = key;
      this.#emit('done', response);
    } catch (error) {
      if (job && this.#job !== job) return;
      this.#leave();
      this.#fail(error);
    }
  }

  close() {
    if (!this.#open) return;
    const p = this.#parts;
    this.#open = false;
    this.#leave();
    this.#silence();
    document.removeEventListener('click', this.#fromArticle);
    opened.delete(this);
    this.#hideBack();
    this.#press();
    paint();
    p.toggle.setAttribute('aria-expanded', false);
    p.panel.hidden = true;
    this.#emit('close');
  }

  #leave() {
    const job = this.#job;
    if (!job) return;
    this.#job = undefined;
    job.listeners.delete(this.#tell);
    if (!--job.users && !job.settled) { job.forget(); job.controller.abort(); }
  }

  #wait() {
    const p = this.#parts;
    const lines = { medium: 6, long: 8 }[this.getAttribute('length')] || 4;
    p.body.replaceChildren(h('div', { class: 'skeleton', 'aria-hidden': 'true' }, ...Array.from({ length: lines }, () => h('span', { class: 'bone' }))));
    p.saved.textContent = p.status.textContent = this.#text('loading');
    p.copy.hidden = p.listen.hidden = p.disclosure.hidden = true;
    this.sources = [];
  }

  get #kind() { return this.#response?.kind || this.getAttribute('kind') || 'key-points'; }

  get #spans() { return [...this.#parts.body.querySelectorAll('.sentence')]; }

  #add({ text, evidence, supported, unsupported = [] }) {
    const { body } = this.#parts;
    const points = this.#kind === 'key-points';
    if (!query('.text', body)) body.prepend(h(points ? 'ul' : 'p', { class: 'text ' + this.#kind, part: 'text', dir: 'auto' }));
    query('.bone', body)?.remove();
    const index = this.#spans.length;
    const span = h('span', { class: 'sentence', part: 'sentence' }, text);
    this.sources[index] = this.#ranges(evidence || []);
    if (this.sources[index].length) {
      const choose = (event) => {
        if (event.key && event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        this.#choose(index);
      };
      Object.entries({ role: 'button', tabindex: 0, 'aria-pressed': false, title: this.#text('show') }).forEach((pair) => span.setAttribute(...pair));
      span.addEventListener('click', choose);
      span.addEventListener('keydown', choose);
    }
    const item = h(points ? 'li' : 'span', { part: 'item' }, span, ' ');
    if (supported === false) {
      item.className = 'unsupported';
      item.append(h('span', { class: 'warning', part: 'warning' }, this.#text('unsupported') + ' ' + unsupported.join(', ')), ' ');
    }
    query('.text', body).append(item);
  }

  /** Evidence spans, in code points of the text summarised, as ranges of this page. */
  #ranges(evidence) {
    const reading = this.#reading;
    const sent = this.#response?.text ?? this.#sent;
    if (!reading || sent === undefined) return [];
    return evidence.map(({ start, end }) => {
      const from = units(sent, start), to = units(sent, end);
      if (sent === reading.text) return reading.range(from, to);
      const words = sent.slice(from, to).trim().split(/\s+/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      const hit = RegExp(words.join('\\s+')).exec(reading.text);
      return hit && reading.range(hit.index, hit.index + hit[0].length);
    }).filter(Boolean);
  }

  #finish(response) {
    const p = this.#parts;
    this.#response = response;
    const lines = (sentences) => sentences.map((sentence) => sentence.text ?? sentence.textContent).join('\n');
    query('.skeleton', p.body)?.remove();
    if (lines(this.#spans) !== lines(response.sentences)) {
      p.body.replaceChildren();
      this.sources = [];
      response.sentences.forEach((sentence) => this.#add(sentence));
    }
    const text = query('.text', p.body);
    if (text) text.lang = response.language || '';
    const [summary, article] = [response.words, response.source_words].map((words) => Math.ceil(words / WORDS_PER_MINUTE));
    p.saved.textContent = article > summary ? this.#text('saved').replace('{summary}', summary).replace('{article}', article) : '';
    p.status.textContent = '';
    p.copy.hidden = !navigator.clipboard;
    p.copy.textContent = this.#text('copy');
    this.#voice();
    self.speechSynthesis?.addEventListener('voiceschanged', this.#voice);
    p.disclosure.textContent = response.device ? this.#text('device') : !this.#reviewed && response.disclosure || '';
    p.disclosure.hidden = !p.disclosure.textContent;
    paint(this.sources[this.#spans.findIndex((span) => span.matches('[aria-pressed=true]'))]);
  }

  #fail({ kind = 'failed', message, detail = { detail: message } }) {
    const p = this.#parts;
    p.saved.textContent = p.status.textContent = '';
    p.body.replaceChildren(h('p', { class: 'error', part: 'error' }, this.#text(kind)));
    if (/busy|failed/.test(kind)) {
      p.body.append(h('button', { type: 'button', class: 'retry', part: 'retry', click: () => { this.close(); this.open(); p.toggle.focus(); } }, this.#text('retry')));
    }
    this.sources = [];
    paint();
    this.#emit('error', { kind, ...detail });
  }

  /* From a sentence to its source and back */

  #press(index) {
    this.#spans.forEach((span, at) => span.hasAttribute('role') && span.setAttribute('aria-pressed', at === index));
    return this.#spans[index];
  }

  #choose(index) {
    const p = this.#parts;
    const ranges = this.sources[index];
    const span = this.#press(index);
    paint(ranges);
    this.#emit('evidence', { index });
    if (!reveal(ranges[0])) return;
    p.quote.textContent = ranges[0];
    p.back.hidden = false;
    p.back.showPopover?.();
    p.back.focus({ preventScroll: true });
    let gone;
    this.#watch?.disconnect();
    this.#watch = new IntersectionObserver(([{ isIntersecting }]) => {
      if (isIntersecting && gone) this.#hideBack(); // the reader has scrolled back alone
      gone ||= !isIntersecting;
    });
    this.#watch.observe(span);
  }

  #hideBack() {
    this.#watch?.disconnect();
    this.#parts.back.hidden = true;
  }

  #return(span = query('.sentence[aria-pressed=true]', this.#parts.body)) {
    this.#hideBack();
    span?.focus({ preventScroll: true });
    span?.scrollIntoView({ block: 'center', behavior: calm() });
  }

  #fromArticle = ({ target, clientX, clientY }) => {
    if (target.closest?.('a,button,input,inbrief-summary') || (marks && !getSelection().isCollapsed)) return;
    const spot = document.caretPositionFromPoint?.(clientX, clientY), caret = spot || document.caretRangeFromPoint?.(clientX, clientY);
    const node = caret?.offsetNode || caret?.startContainer, offset = caret?.offset ?? caret?.startOffset;
    const index = this.sources.findIndex((ranges) => ranges.some((range) => node && range.isPointInRange(node, offset)));
    if (index < 0) return;
    paint(this.sources[index]);
    this.#return(this.#press(index));
  };

  /* Copy and listen */

  async #copy() {
    const p = this.#parts;
    const lines = this.#spans.map((span) => span.textContent).join(this.#kind === 'key-points' ? '\n' : ' ');
    try {
      await navigator.clipboard.writeText(`${lines}\n\n${p.label.textContent}: ${location.href}`);
      p.copy.textContent = p.status.textContent = this.#text('copied');
    } catch { p.copy.hidden = true; } // the page's policy forbids it
  }

  #voice = () => { this.#parts.listen.hidden = !self.speechSynthesis?.getVoices().length; };

  #listen() {
    const { listen } = this.#parts;
    if (this.#silence()) return;
    listen.setAttribute('aria-pressed', true);
    listen.textContent = this.#text('stop');
    const spans = this.#spans;
    spans.forEach((span) => {
      const utterance = new SpeechSynthesisUtterance(span.textContent);
      utterance.lang = this.#response.language || '';
      utterance.onstart = () => span.classList.add('spoken');
      utterance.onend = utterance.onerror = () => {
        span.classList.remove('spoken');
        if (span === spans.at(-1)) this.#silence();
      };
      speechSynthesis.speak(utterance);
    });
  }

  #silence() {
    const { listen } = this.#parts;
    if (listen.getAttribute('aria-pressed') !== 'true') return false;
    listen.setAttribute('aria-pressed', false);
    listen.textContent = this.#text('listen');
    speechSynthesis.cancel();
    return true;
  }
}

if (!customElements.get('inbrief-summary')) customElements.define('inbrief-summary', InbriefSummary);

/* data-auto: stand above and below the article's text */

function place(whole) {
  const { auto, ...settings } = script.dataset;
  const marked = find(null, settings.for), article = marked || (whole && !settings.for && likely());
  const paragraphs = [...article ? article.querySelectorAll('p') : []].filter((p) => p.textContent.trim().length > 60 && !p.closest(FURNITURE));
  const [first, last] = [paragraphs[0], paragraphs.at(-1)];
  if (!first && !(whole && marked?.textContent.length > LONG)) return false;
  const make = (place) => {
    const element = h('inbrief-summary', { 'data-place': place });
    for (const [name, value] of Object.entries(settings)) element.setAttribute(name.replace(/[A-Z]/g, '-$&').toLowerCase(), value);
    return element;
  };
  const above = make('above'), below = make('below');
  if (!query('inbrief-summary[data-place=above]', article)) first ? first.before(above) : article.prepend(above);
  if (whole) last ? last.after(below) : article.append(below);
  return true;
}

if (script?.hasAttribute('data-auto')) {
  let whole, due;
  const look = () => { due = 0; place(whole) && observer.disconnect(); };
  // Before the first paint, so that nothing moves; a late article is found, too.
  const observer = new MutationObserver(() => { if (whole) due ||= setTimeout(look, 250); else look(); });
  observer.observe(document, { childList: true, subtree: true });
  const end = () => { whole = true; look(); };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', end);
  else end();
}
})();
