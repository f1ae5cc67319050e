// Offers words while SQL is typed: datasets, columns, public values, functions, keywords. Without it the field is
// a plain one. The focus stays in the field; the list is announced by aria-activedescendant and a status line.
"use strict";
document.querySelectorAll("textarea[data-words]").forEach((field) => {
  const MOST = 12;
  const list = Object.assign(document.createElement("ul"), { id: `${field.id}-words`, hidden: true, className: "words" });
  const status = Object.assign(document.createElement("p"), { className: "unseen" });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.dataset.label);
  status.setAttribute("role", "status");
  field.after(list, status);
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  let words = [], reading = null, shown = [], active = -1;

  async function load() {
    const answer = await fetch(field.dataset.words, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.ok) words = (await answer.json()).words;
  }

  // once; what is typed before the words are there waits for them
  const read = () => (reading ??= load());

  // what stands before the caret and is being typed: a name, in quotes or not, or a text
  function typed() {
    const before = field.value.slice(0, field.selectionStart);
    const inside = before.match(/(^|[^'\w])('(?:[^']|'')*)$/u);
    if (inside && (before.match(/'/g) || []).length % 2) return inside[2];
    if ((before.match(/"/g) || []).length % 2) return before.slice(before.lastIndexOf('"'));
    return before.match(/[\p{L}\p{N}_.]*$/u)[0];
  }

  const bare = (text) => text.replace(/^['"]|['"]$/g, "").toLowerCase();

  function matching(part) {
    const wanted = bare(part), text = part.startsWith("'");
    const fits = words.filter((each) => (!text || each.write.startsWith("'")) && each.write !== part);
    const begins = fits.filter((each) => bare(each.write).startsWith(wanted) || bare(each.about).startsWith(wanted));
    const within = fits.filter((each) => !begins.includes(each) && wanted.length > 1 && bare(each.write).includes(wanted));
    return [...begins, ...within].slice(0, MOST);
  }

  function close() {
    list.hidden = true;
    shown = [];
    active = -1;
    field.removeAttribute("aria-activedescendant");
  }

  function mark(place) {
    active = (place + shown.length) % shown.length;
    [...list.children].forEach((each, at) => each.setAttribute("aria-selected", String(at === active)));
    field.setAttribute("aria-activedescendant", list.children[active].id);
    list.children[active].scrollIntoView({ block: "nearest" });
  }

  function option(each, at) {
    const line = document.createElement("li"), code = document.createElement("code"), about = document.createElement("span");
    line.id = `${list.id}-${at}`;
    line.setAttribute("role", "option");
    line.setAttribute("aria-selected", "false");
    code.textContent = each.write;
    code.translate = false;
    about.textContent = [each.kind, each.about].filter(Boolean).join(" · ");
    about.className = "soft";
    line.append(code, " ", about);
    return line;
  }

  function open(part) {
    close();
    shown = matching(part);
    list.replaceChildren(...shown.map(option));
    list.hidden = !shown.length;
    status.textContent = shown.length ? field.dataset.found.replace("{number}", shown.length) : "";
  }

  function take(place) {
    const end = field.selectionStart, part = typed(), rest = field.value.slice(end);
    const quote = /^['"]/.test(part) && rest[0] === part[0] ? 1 : 0;
    field.setRangeText(shown[place].write, end - part.length, end + quote, "end");
    close();
    status.textContent = "";
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    close();
  }

  field.addEventListener("focus", read, { once: true });
  field.addEventListener("input", async (event) => {
    if (event.isComposing) return;
    await read();
    const part = typed();
    if (part && document.activeElement === field) open(part);
    else close();
  });
  field.addEventListener("compositionend", () => typed() && open(typed()));
  field.addEventListener("keydown", async (event) => {
    if (event.isComposing) return;
    if (event.ctrlKey && event.key === " ") {
      event.preventDefault();
      await read();
      open(typed());
    } else if (list.hidden) return;
    else if (event.key === "ArrowDown") mark(active + 1), event.preventDefault();
    else if (event.key === "ArrowUp") mark(active < 0 ? shown.length - 1 : active - 1), event.preventDefault();
    else if (event.key === "Enter" && active >= 0) event.preventDefault(), take(active);
    else if (event.key === "Escape") close();
  });
  field.addEventListener("blur", close);
  // before the field loses the focus
  list.addEventListener("mousedown", (event) => {
    const line = event.target.closest("li");
    event.preventDefault();
    if (line) take([...list.children].indexOf(line));
  });
});
