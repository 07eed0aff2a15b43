/* <inbrief-summary>, Apache-2.0 */
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
	de: 'Keine Zeit zum Lesen?|Zusammenfassung|Schließen|Der Artikel wird gelesen …|KI-generierte Zusammenfassung|Redaktionell geprüft|{summary} Min. statt {article}|Kopieren|Kopiert|Anhören|Stopp|Noch einmal|Zurück zur Zusammenfassung|Im Artikel zeigen|Nicht im Artikel:|Nicht mit dem Artikel abgeglichen.|Dieser Artikel ist schnell ganz gelesen.|Noch keine Zusammenfassung in dieser Sprache.|Gerade fragen viele an. Bitte kurz warten.|Keine Zusammenfassung für diese Seite.|Die Zusammenfassung konnte leider nicht geladen werden.',
	fr: 'Pas le temps de lire ?|Lire le résumé|Fermer|Lecture de l’article…|Résumé généré par IA|Vérifié par la rédaction|{summary} min au lieu de {article}|Copier|Copié|Écouter|Arrêter|Réessayer|Retour au résumé|Montrer dans l’article|Absent de l’article :|Non comparé à l’article.|Cet article est assez court pour être lu en entier.|Pas encore de résumé dans cette langue.|Les demandes sont nombreuses. Patientez un instant.|Pas de résumé pour cette page.|Désolé, le résumé n’a pas pu être chargé.',
	es: '¿Sin tiempo para leer?|Ver el resumen|Cerrar|Leyendo el artículo…|Resumen generado por IA|Revisado por la redacción|{summary} min en vez de {article}|Copiar|Copiado|Escuchar|Parar|Reintentar|Volver al resumen|Mostrar en el artículo|No está en el artículo:|No comprobado con el artículo.|Este artículo es breve: puede leerlo entero.|Aún no hay resúmenes en este idioma.|Hay muchas peticiones. Espere un momento.|No hay resumen para esta página.|Lo sentimos: no se pudo cargar el resumen.',
	it: 'Non hai tempo di leggere?|Leggi il riassunto|Chiudi|Lettura dell’articolo…|Riassunto generato dall’IA|Verificato dalla redazione|{summary} min invece di {article}|Copia|Copiato|Ascolta|Ferma|Riprova|Torna al riassunto|Mostra nell’articolo|Non è nell’articolo:|Non confrontato con l’articolo.|Questo articolo è breve: puoi leggerlo per intero.|Non ci sono ancora riassunti in questa lingua.|Le richieste sono molte. Attendi un momento.|Non c’è un riassunto per questa pagina.|Il riassunto purtroppo non è disponibile ora.',
	pt: 'Sem tempo para ler?|Ver o resumo|Fechar|Lendo o artigo…|Resumo gerado por IA|Revisto pela redação|{summary} min em vez de {article}|Copiar|Copiado|Ouvir|Parar|Tentar de novo|Voltar ao resumo|Mostrar no artigo|Não está no artigo:|Não comparado com o artigo.|Este artigo é curto: pode lê-lo por inteiro.|Ainda não há resumos neste idioma.|Há muitos pedidos agora. Aguarde um momento.|Não há resumo para esta página.|Não foi possível carregar o resumo.',
	ru: 'Нет времени читать?|Кратко|Закрыть|Читаем статью…|Сводка, созданная ИИ|Проверено редактором|{summary} мин вместо {article}|Копировать|Скопировано|Слушать|Остановить|Повторить|Назад к сводке|Показать в статье|Нет в статье:|Не сверено со статьёй.|Статья короткая, её стоит прочесть.|На этом языке сводок пока нет.|Сейчас много запросов. Подождите минуту.|Для этой страницы нет сводки.|Не удалось загрузить сводку.',
	ar: 'لا وقت للقراءة؟|اعرض الملخص|إغلاق|جارٍ قراءة المقال…|ملخص من إنشاء الذكاء الاصطناعي|راجعه محرر|{summary} دقيقة بدلاً من {article}|نسخ|تم النسخ|استماع|إيقاف|أعد المحاولة|العودة إلى الملخص|أظهر في المقال|ليس في المقال:|لم يُقارن بالمقال.|هذا المقال قصير ويمكن قراءته كاملاً.|لا ملخصات بهذه اللغة بعد.|الطلبات كثيرة الآن. انتظر قليلاً.|لا ملخص لهذه الصفحة.|تعذر تحميل الملخص.',
};

const STYLE = `
:host { display: block; margin: 1.25em 0; font-family: var(--inbrief-font, inherit); line-height: 1.5;
	--rule: var(--inbrief-border, light-dark(#d9d2c5, #45413a)); --accent: var(--inbrief-accent, light-dark(#8f2a1c, #f0a593));
	--warn: var(--inbrief-warning, light-dark(#8a5300, #f0be6a)); --chosen: var(--inbrief-highlight, #ffe27a); --round: var(--inbrief-radius, 10px) }
:host([theme=light]) { color-scheme: only light }
:host([theme=dark]) { color-scheme: only dark }
:host([hidden]), [hidden] { display: none !important }
.card { color: var(--inbrief-color, light-dark(#23211d, #ece7dd)); background: var(--inbrief-background, light-dark(#f7f4ee, #23211e)); border: 1px solid var(--rule); border-radius: var(--round); overflow-wrap: anywhere }
.bar, .tools, .meta { display: flex; flex-wrap: wrap; align-items: center; gap: .3em 1em }
.bar { justify-content: space-between; padding-block: .6em; padding-inline: 1.1em .7em }
button { font: inherit; color: var(--accent); background: none; border: 1px solid transparent; border-radius: calc(var(--round) * .7); padding: .35em .8em; min-height: 2.5em; cursor: pointer }
.toggle, .back { background: var(--accent); color: var(--inbrief-on-accent, light-dark(#fff, #2a100b)); font-weight: 600 }
.toggle:hover { filter: brightness(1.12) }
[aria-expanded=true], .retry { background: none; color: var(--accent); border-color: currentColor }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.panel { border-top: 1px solid var(--rule); padding: .9em 1.1em .5em }
.meta, .tools, .disclosure, .warning { font-size: .84em; color: var(--inbrief-muted, light-dark(#635d53, #aca597)) }
.meta, .error { margin: 0 0 .6em }
.label { font-weight: 600; color: var(--accent) }
.text { margin: 0; padding-inline-start: 1.2em }
p.text { padding: 0 }
li { margin: 0 0 .55em }
li::marker { color: var(--accent) }
.headline { font-size: 1.3em; line-height: 1.3; font-weight: 600 }
.sentence { animation: in .35s }
[role=button] { cursor: pointer }
[role=button]:hover { text-decoration: underline dotted; text-underline-offset: .25em }
[aria-pressed=true].sentence, .spoken { forced-color-adjust: none; background: var(--chosen); color: #1d1a12; box-shadow: 0 0 0 .15em var(--chosen) }
.unsupported > .sentence { text-decoration: underline wavy var(--warn) 1.5px; text-underline-offset: .2em }
.warning { color: var(--warn); border: 1px solid; border-radius: .4em; padding: 0 .45em; margin-inline-start: .4em }
i { display: block; height: .8em; margin: .4em 0 .75em; border-radius: .3em; background: var(--rule); animation: in .8s infinite alternate }
.disclosure { margin: .6em 0 0 }
.tools { gap: .2em; margin: .4em -.8em 0 }
.close { margin-inline-start: auto }
.back { position: fixed; inset: auto 0 1.25rem; margin: 0 auto; width: max-content; box-shadow: 0 4px 18px #0005 }
.quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
@keyframes in { from { opacity: .3 } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important } }
@media print { :host { display: none } }`;

/** Not bound by a page's style-src. */
const styles = (css) => { const made = new CSSStyleSheet(); made.replaceSync(css); return made; };
let sheet;

const h = (tag, attributes, ...children) => {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (value.call) element.addEventListener(name, value);
		else element.setAttribute(name, value);
	}
	element.append(...children);
	return element;
};

const part = (tag, name, attributes, ...children) => h(tag, { class: name, part: name, ...attributes }, ...children);

const HEADING = 'h1:not([data-inbrief-skip])';
const FURNITURE = 'inbrief-summary,nav,aside,footer,form,button,svg,video,audio,[aria-hidden=true],[data-inbrief-skip]';

/** The visible text, with each unit's node and offset. */
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
			if (node === heading || display === 'none' || node.matches(FURNITURE)) return;
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

/** Evidence counts code points, the DOM UTF-16 units. */
const units = (text, points) => [...text].slice(0, points).join('').length;

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

/** The article of a page that marks none. */
function likely(sure) {
	let best;
	const sizes = new Map();
	document.querySelectorAll('p').forEach((p) => {
		const box = p.parentNode, size = (sizes.get(box) || 0) + p.textContent.length;
		sizes.set(box, size);
		if (size > (sizes.get(best) || LONG) && !p.closest(FURNITURE)) best = box;
	});
	return (best || !sure) && query('main') || best;
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

function refusal(problem, status) {
	const { type } = problem;
	const kind = /too-short$/.test(type) ? 'short' : /language/.test(type) ? 'language'
		: /429|503|504/.test(status) ? 'busy' : status < 500 ? 'unavailable' : 'failed';
	return { kind, detail: { status, ...problem } };
}

async function fromService({ url, siteKey, body }, onSentence, controller) {
	let timer;
	const alive = () => { clearTimeout(timer); timer = setTimeout(() => controller.abort(), SILENCE_MILLISECONDS); };
	const json = 'application/json', headers = { accept: body ? 'text/event-stream' : json };
	if (body) headers['content-type'] = json;
	if (siteKey) headers.authorization = 'Bearer ' + siteKey;
	try {
		alive();
		const response = await fetch(url, { method: body ? 'POST' : 'GET', headers, credentials: 'omit', body: body && JSON.stringify(body), signal: controller.signal });
		if (!response.ok) throw refusal(await response.json().catch(() => ({})), response.status);
		if (!/event-stream/.test(response.headers.get('content-type'))) return await response.json();
		const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
		for (let buffer = ''; ;) {
			const { done, value } = await reader.read();
			if (done) throw Error('cut off');
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

/** Nothing where no model is on the device. */
async function fromDevice({ body, device }, controller) {
	try {
		const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(SILENCE_MILLISECONDS)]);
		const options = { type: body.kind, length: body.length, format: 'plain-text', outputLanguage: device };
		if (await Summarizer.availability(options) !== 'available') return;
		const summarizer = await Summarizer.create({ ...options, signal });
		const summary = await summarizer.summarize(body.text, { signal });
		summarizer.destroy();
		const sentences = summary.split('\n').map((line) => ({ text: line.replace(/^\s*[-*•]\s+/, '').trim() })).filter(({ text }) => text);
		const words = (text) => text.split(/\s+/).length;
		return { ...body, text: undefined, language: device, summary, sentences, words: words(summary), source_words: words(body.text), ai_generated: true, device: true };
	} catch {}
}

const jobs = new Map(); // buttons of one article share a question

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

const opened = new Set();
let marks;

function paint() {
	if (marks === undefined) {
		marks = !!self.Highlight && [new Highlight(), new Highlight()];
		if (marks) {
			CSS.highlights.set('inbrief-source', marks[0]).set('inbrief-evidence', marks[1]);
			marks[1].priority = 1;
			document.adoptedStyleSheets.push(styles(`@media screen{@media (forced-colors:none){::highlight(inbrief-source){text-decoration:underline dotted #b08d57}}
::highlight(inbrief-evidence){background-color:var(--inbrief-highlight,#ffe27a);color:#1d1a12}}`));
		}
	}
	// The selection, too, leaves the page's DOM as it is.
	if (marks) marks.forEach((mark) => mark.clear());
	else getSelection().removeAllRanges();
	opened.forEach(({ sources, chosen }) => sources.forEach((ranges, index) => ranges.forEach((range) => {
		if (marks) marks[+(index === chosen)].add(range);
		else if (index === chosen) getSelection().addRange(range);
	})));
}

const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';

/** False when in view already, clear of a sticky header. */
function reveal(range) {
	const box = range.getBoundingClientRect();
	if (box.top >= (scrollY && innerHeight / 8) && box.bottom <= innerHeight) return false;
	let pane = range.startContainer.parentElement;
	while (pane && !(pane.scrollHeight > pane.clientHeight && /auto|scroll/.test(getComputedStyle(pane).overflowY))) pane = pane.parentElement;
	const inner = pane && !pane.contains(document.body);
	(inner ? pane : self).scrollBy({ top: box.top - (inner ? pane.getBoundingClientRect().top + pane.clientHeight * 0.3 : innerHeight * 0.3), behavior: calm() });
	return true;
}

let count = 0;
const address = () => document.URL.split('#')[0];
const said = (span) => span.parentNode.textContent.trim(); // with the warning
const ASKING = 'for kind length language api article-id src prefer site-key'.split(' ');

class InbriefSummary extends HTMLElement {
	static observedAttributes = [...ASKING, 'reviewed', ...KEYS.map((key) => 'text-' + key)];

	sources = []; // ranges in the article, by sentence
	chosen;
	#own = {}; #parts; #job; #tell; #key; #sent; #reading; #response; #watch; #address; #due; #open;
	#changes = new MutationObserver(() => { this.#due ||= setTimeout(this.#follow, 250); });

	set texts(value) { this.#own = value || {}; this.#relabel(); }
	get summary() { return this.#response; }

	connectedCallback() {
		if (!this.#parts) this.#build();
		const { texts } = this; // set before the script came
		if (texts) { delete this.texts; this.texts = texts; }
		this.#relabel();
	}

	disconnectedCallback() { this.close(); }

	attributeChangedCallback(name, before, after) {
		if (before !== after && ASKING.includes(name)) this.close();
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
		const make = (tag, name, ...rest) => p[name] = part(tag, name, ...rest);
		const button = (name, click, attributes) => make('button', name, { type: 'button', click, ...attributes });
		const leave = () => { this.close(); p.toggle.focus(); };
		button('toggle', (event) => {
			if (event.detail > 1) return; // a double click
			if (this.#open) this.close(); else this.open();
		}, { 'aria-expanded': 'false', 'aria-controls': id });
		button('back', () => this.#return(), { popover: 'manual', hidden: '' });
		make('p', 'meta', {}, make('span', 'label'), make('span', 'saved'));
		make('div', 'body', { 'aria-live': 'polite' });
		make('p', 'disclosure', { dir: 'auto' });
		make('div', 'tools', {}, button('copy', () => this.#copy()), button('listen', () => this.#listen(), { 'aria-pressed': 'false' }), button('close', leave));
		make('div', 'panel', { id, role: 'group', hidden: '' }, p.meta, p.body, p.disclosure, p.tools);
		p.status = h('span', { class: 'quiet', role: 'status' });
		make('div', 'card', {
			dir: 'auto',
			keydown: (event) => {
				if (event.key !== 'Escape' || !this.#open) return;
				if (p.back.hidden) leave(); else this.#return();
			},
		}, make('div', 'bar', {}, make('span', 'question'), p.toggle), p.panel, p.back, p.status);
		const root = this.attachShadow({ mode: 'open' });
		root.adoptedStyleSheets = [sheet ||= styles(STYLE)];
		root.append(p.card);
	}

	#relabel() {
		const p = this.#parts;
		if (!p) return;
		p.card.lang = this.#text('button') === TEXTS.en.split('|')[1] ? 'en' : this.#language();
		for (const key of ['question', 'copy', 'listen', 'close', 'back']) p[key].textContent = this.#text(key);
		p.toggle.textContent = this.#text('button');
		p.label.textContent = this.#text(this.#reviewed ? 'editor' : 'ai');
		p.panel.ariaLabel = p.label.textContent;
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
		if (!text) throw { kind: 'unavailable', detail: { detail: 'no article found' } };
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
		p.toggle.ariaExpanded = true;
		p.panel.hidden = false;
		opened.add(this);
		document.addEventListener('click', this.#fromArticle);
		this.#address = address();
		this.#changes.observe(document, { childList: true, characterData: true, subtree: true });
		this.#emit('open');
		try {
			const request = this.#request();
			const key = JSON.stringify(request);
			if (key === this.#key) {
				p.body.replaceChildren();
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
			this.#finish(response);
			this.#leave();
			this.#key = key;
			this.#emit('done', response);
		} catch (error) {
			if (job && this.#job !== job) return;
			job?.forget();
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
		this.#changes.disconnect();
		opened.delete(this);
		this.#hideBack();
		this.#press();
		paint();
		p.toggle.ariaExpanded = false;
		p.status.textContent = '';
		p.panel.hidden = true;
		this.#emit('close');
	}

	/** The page may draw its article anew, or another. */
	#follow = () => {
		this.#due = 0;
		const ranges = this.sources.flat();
		if (!this.#open || (this.#address === address() && !(ranges[0] && ranges.every(({ collapsed }) => collapsed)))) return;
		try {
			if (JSON.stringify(this.#request()) === this.#key) {
				this.#address = address();
				this.sources = this.#response.sentences.map(({ evidence }) => this.#ranges(evidence));
				return paint();
			}
		} catch {}
		this.close();
	};

	#leave() {
		const job = this.#job;
		if (!job) return;
		this.#job = undefined;
		job.listeners.delete(this.#tell);
		if (!--job.users && !job.settled) { job.forget(); job.controller.abort(); }
	}

	#wait() {
		const p = this.#parts;
		p.body.replaceChildren(h('div', { class: 'skeleton', 'aria-hidden': 'true' }, ...Array.from({ length: 5 }, () => h('i', {}))));
		p.saved.textContent = p.status.textContent = this.#text('loading');
		p.copy.hidden = p.listen.hidden = p.disclosure.hidden = true;
		this.sources = [];
	}

	get #kind() { return this.#response?.kind || this.getAttribute('kind') || 'key-points'; }

	get #spans() { return [...this.#parts.body.querySelectorAll('.sentence')]; }

	#add({ text, evidence, supported, unsupported = [] }) {
		const { body } = this.#parts;
		const points = this.#kind === 'key-points';
		const list = query('.text', body) || h(points ? 'ul' : 'p', { class: 'text ' + this.#kind, part: 'text', dir: 'auto' });
		if (!list.isConnected) body.prepend(list);
		query('i', body)?.remove();
		const index = this.#spans.length;
		const span = part('span', 'sentence', {}, text);
		this.sources[index] = this.#ranges(evidence);
		if (this.sources[index].length) {
			const choose = (event) => {
				if (event.key && event.key !== 'Enter' && event.key !== ' ') return;
				event.preventDefault();
				this.#choose(index);
			};
			Object.assign(span, { role: 'button', tabIndex: 0, ariaPressed: false, title: this.#text('show') });
			span.addEventListener('click', choose);
			span.addEventListener('keydown', choose);
		}
		const item = h(points ? 'li' : 'span', { part: 'item' }, span, ' ');
		if (supported === false) {
			item.className = 'unsupported';
			item.append(part('span', 'warning', {}, this.#text('unsupported') + ' ' + unsupported.join(', ')), ' ');
		}
		list.append(item);
	}

	#ranges(evidence = []) {
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
		paint();
	}

	#fail({ kind = 'failed', message, detail = { detail: message } }) {
		const p = this.#parts;
		p.saved.textContent = p.status.textContent = '';
		p.body.replaceChildren(part('p', 'error', {}, this.#text(kind)));
		if (/busy|failed/.test(kind)) {
			p.body.append(part('button', 'retry', { type: 'button', click: () => { this.close(); this.open(); p.toggle.focus(); } }, this.#text('retry')));
		}
		this.sources = [];
		this.#response = undefined;
		paint();
		this.#emit('error', { kind, ...detail });
	}

	#press(index) {
		this.chosen = index;
		this.#spans.forEach((span, at) => { if (span.role) span.ariaPressed = at === index; });
	}

	#mark(index) {
		opened.forEach((element) => element.#press());
		this.#press(index);
		paint();
	}

	#choose(index) {
		const p = this.#parts;
		const ranges = this.sources[index];
		this.#mark(index);
		const span = this.#spans[index];
		this.#emit('evidence', { index });
		p.back.title = ranges[0];
		if (!reveal(ranges[0])) { p.status.textContent = ranges[0]; return; }
		p.back.hidden = false;
		p.back.showPopover?.();
		p.back.focus({ preventScroll: true });
		let gone;
		this.#watch?.disconnect();
		this.#watch = new IntersectionObserver(([{ isIntersecting }]) => {
			if (isIntersecting && gone) { // the reader has scrolled back alone
				if (this.shadowRoot.activeElement === p.back) span.focus({ preventScroll: true });
				this.#hideBack();
			}
			gone ||= !isIntersecting;
		});
		this.#watch.observe(span);
	}

	#hideBack() {
		this.#watch?.disconnect();
		this.#parts.back.hidden = true;
	}

	#return(span = this.#spans[this.chosen]) {
		this.#hideBack();
		span?.focus({ preventScroll: true });
		span?.scrollIntoView({ block: 'center', behavior: calm() });
	}

	#fromArticle = ({ target, clientX, clientY }) => {
		if (target.closest('a,button,input,inbrief-summary') || (marks && !getSelection().isCollapsed)) return;
		const boxes = (range) => range.intersectsNode(target) ? [...range.getClientRects()] : [];
		const miss = ({ left, right, top, bottom }) => left <= clientX && clientX <= right ? Math.abs((2 * clientY - top - bottom) / (bottom - top)) : 9;
		const misses = this.sources.map((ranges) => Math.min(...ranges.flatMap(boxes).map(miss))), least = Math.min(...misses);
		if (!(least < 1.5)) return; // between two lines is near enough
		this.#mark(misses.indexOf(least));
		this.#return();
	};

	async #copy() {
		const p = this.#parts;
		const lines = this.#spans.map(said).join(this.#kind === 'key-points' ? '\n' : ' ');
		try {
			await navigator.clipboard.writeText(`${lines}\n\n${p.label.textContent}: ${location.href}`);
			p.copy.textContent = p.status.textContent = this.#text('copied');
		} catch { p.copy.hidden = true; p.close.focus(); } // the page's policy forbids it
	}

	#voice = () => { this.#parts.listen.hidden = !self.speechSynthesis?.getVoices().length; };

	#listen() {
		const { listen } = this.#parts;
		if (this.#silence()) return;
		listen.ariaPressed = true;
		listen.textContent = this.#text('stop');
		const spans = this.#spans;
		spans.forEach((span) => {
			const utterance = new SpeechSynthesisUtterance(said(span));
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
		if (listen.ariaPressed !== 'true') return false;
		listen.ariaPressed = false;
		listen.textContent = this.#text('listen');
		speechSynthesis.cancel();
		return true;
	}
}

if (!customElements.get('inbrief-summary')) customElements.define('inbrief-summary', InbriefSummary);

let below, placed;

function place(whole) {
	const { auto, ...settings } = script.dataset;
	const marked = find(null, settings.for), article = marked || (whole && !settings.for && likely(true));
	const paragraphs = [...article ? article.querySelectorAll('p') : []].filter((p) => p.textContent.trim().length > 60 && !p.closest(FURNITURE));
	const [first, last] = [paragraphs[0], paragraphs.at(-1)], anchor = first || marked;
	const stand = (place, put) => {
		const element = query(`inbrief-summary[data-place=${place}]`) || h('inbrief-summary', { 'data-place': place });
		for (const [name, value] of Object.entries(settings)) element.setAttribute(name.replace(/[A-Z]/g, '-$&'), value);
		article.contains(element) || put(element);
		return element;
	};
	if (whole && anchor === placed) return; // removed on purpose
	// One short paragraph is a teaser or a notice.
	if (whole ? paragraphs[1] || (first && settings.for) || (anchor && article.textContent.length > LONG) : first) {
		stand('above', (element) => first ? first.before(element) : article.prepend(element));
		if (!whole) return;
		below = stand('below', (element) => last ? last.after(element) : article.append(element));
		placed = anchor;
	} else if (whole && !below) query('inbrief-summary[data-place=above]')?.remove();
}

if (script?.hasAttribute('data-auto')) {
	let whole, due;
	const look = () => { due = 0; below?.isConnected || place(whole); };
	// Before the first paint, so that nothing moves; later, when a script draws one.
	const observer = new MutationObserver(() => { if (whole) due ||= setTimeout(look, 250); else look(); });
	observer.observe(document, { childList: true, subtree: true });
	const end = () => { whole = true; look(); };
	if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', end);
	else end();
}
})();
