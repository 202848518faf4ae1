'use strict';
// The table's rows come with the page. They are taken out of it once, and only
// those that are wanted go back, some hundreds at a time: so a filter or a sort
// answers at once however many there are. What is chosen stands in the fragment
// (#sort=role&filter=…; a minus before the column turns the order), so that a
// view can be linked to.
(() => {
  const table = document.getElementById('lines');
  const body = table.tBodies[0];
  const form = document.getElementById('controls');
  const count = document.getElementById('count');
  const more = document.getElementById('more');
  const heads = [...table.tHead.rows[0].cells];
  const columns = heads.map((h) => h.dataset.c);
  const selects = ['domain', 'role', 'group', 'standing'];
  const step = 300;

  // The key of a cell is what it says first; a role's is its whole ARN.
  const keyOf = (cell) => cell.title || cell.firstElementChild.textContent;
  const lines = Array.from(body.rows, (row) => {
    const keys = Array.from(row.cells, keyOf);
    return { row, keys, text: (row.textContent + '\n' + keys.join('\n')).toLowerCase() };
  });
  body.textContent = '';

  const natural = new Intl.Collator(undefined, { numeric: true }).compare;
  let state = {};
  let shown = lines;

  // Nothing in a column comes last, whichever way it is sorted.
  const sorted = (list, sort) => {
    const down = sort.startsWith('-');
    const at = columns.indexOf(down ? sort.slice(1) : sort);
    if (at < 0) return list;
    const order = (a, b) => {
      const x = a.keys[at], y = b.keys[at];
      if (x === y) return 0;
      if (!x || !y) return x ? -1 : 1;
      return down ? natural(y, x) : natural(x, y);
    };
    return list.slice().sort(order);
  };

  const passes = (line) =>
    (!state.filter || line.text.includes(state.filter.toLowerCase())) &&
    selects.every((name) => !state[name] || line.keys[columns.indexOf(name)] === state[name]);

  const grow = (to) => {
    const some = document.createDocumentFragment();
    for (let i = body.rows.length; i < Math.min(to, shown.length); i++) some.append(shown[i].row);
    body.append(some);
    more.hidden = body.rows.length >= shown.length;
    more.firstElementChild.textContent = `Show all ${shown.length.toLocaleString('en')}`;
  };

  const show = () => {
    shown = sorted(lines.filter(passes), state.sort || '');
    body.textContent = '';
    grow(step);
    heads.forEach((h, i) => {
      h.removeAttribute('aria-sort');
      if (state.sort === columns[i]) h.setAttribute('aria-sort', 'ascending');
      if (state.sort === '-' + columns[i]) h.setAttribute('aria-sort', 'descending');
    });
    const all = lines.length.toLocaleString('en');
    const narrowed = ['filter', ...selects].filter((name) => state[name]).map((name) => `${name} “${state[name]}”`);
    count.textContent = narrowed.length
      ? `Showing ${shown.length.toLocaleString('en')} of ${all} lines: ${narrowed.join(', ')}`
      : `Showing all ${all} lines`;
  };

  const read = () => {
    state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    for (const name of ['filter', ...selects]) form.elements[name].value = state[name] || '';
    for (const name of selects) {
      if (state[name] && form.elements[name].value !== state[name]) { // none has it: say so rather than show all
        form.elements[name].add(new Option(state[name], state[name], false, true));
      }
    }
    show();
  };

  const write = (changed) => {
    state = { ...state, ...changed };
    for (const name of Object.keys(state)) if (!state[name]) delete state[name];
    try {
      history.replaceState(null, '', '#' + new URLSearchParams(state));
    } catch { /* where the fragment cannot be written, the view cannot be linked to */ }
    show();
  };

  for (const name of selects) {
    const at = columns.indexOf(name), seen = new Map();
    for (const line of lines) {
      const key = line.keys[at];
      if (key) seen.set(key, (seen.get(key) || 0) + 1);
    }
    const options = [...seen].sort((a, b) => natural(a[0], b[0]));
    form.elements[name].add(new Option('all', ''));
    for (const [key, n] of options) form.elements[name].add(new Option(`${key.replace(/^arn:[^:]*:iam::/, '')} (${n.toLocaleString('en')})`, key));
    form.elements[name].addEventListener('change', (e) => write({ [name]: e.target.value }));
  }
  form.elements.filter.addEventListener('input', (e) => write({ filter: e.target.value }));
  form.addEventListener('reset', () => write({ filter: '', domain: '', role: '', group: '', standing: '' }));
  form.addEventListener('submit', (e) => e.preventDefault());

  heads.forEach((h, i) => {
    const button = document.createElement('button');
    button.type = 'button';
    h.dataset.t = h.textContent;
    button.append(...h.childNodes);
    button.addEventListener('click', () => write({ sort: state.sort === columns[i] ? '-' + columns[i] : columns[i] }));
    h.append(button);
  });

  more.firstElementChild.addEventListener('click', () => grow(Infinity));
  new IntersectionObserver((seen) => {
    if (seen.some((s) => s.isIntersecting)) grow(body.rows.length + step);
  }, { rootMargin: '800px' }).observe(more);
  addEventListener('beforeprint', () => {
    grow(Infinity);
    for (const d of document.querySelectorAll('details')) d.open = true;
  });
  addEventListener('hashchange', () => {
    read();
    document.getElementById('access').scrollIntoView();
  });

  form.hidden = false;
  table.classList.add('ready');
  read();
  if (location.hash) document.getElementById('access').scrollIntoView();
})();
