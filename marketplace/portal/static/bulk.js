// Sends the chosen files one after the other, and has each drafted; a fault of one keeps no other back.
"use strict";
(() => {
  const form = document.getElementById("bulk"), outcomes = document.getElementById("outcomes");
  if (!form) return;
  const words = form.dataset, progress = form.querySelector("progress"), start = form.querySelector("button");
  const size = (bytes) => `${(bytes / 1048576).toFixed(1)} MB`;
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const headers = { "X-CSRF-Token": words.csrf, "Accept-Language": document.documentElement.lang };

  async function sent(address, body) {
    const kind = body ? { "Content-Type": "application/octet-stream" } : {};
    const answer = await fetch(address, { method: "POST", body, headers: { ...headers, ...kind } });
    const told = await answer.json().catch(() => null);
    if (!answer.ok || !told) throw new Error(told && told.detail ? `${told.detail} ${told.remedy || ""}` : words.failed);
    return told;
  }

  function row(file) {
    const [line, name, dataset, outcome] = ["tr", "td", "td", "td"].map((kind) => document.createElement(kind));
    name.textContent = file.name;
    name.translate = false;
    outcome.textContent = words.waiting;
    line.append(name, dataset, outcome);
    outcomes.append(line);
    return { dataset, outcome };
  }

  async function one(file, line, like, publish) {
    if (file.size > Number(words.most)) throw new Error(filled(words.large, { most: size(Number(words.most)) }));
    line.outcome.textContent = filled(words.sending, { sent: size(0), all: size(file.size) });
    const uploaded = await sent(`/uploads?name=${encodeURIComponent(file.name.slice(-200))}`, file);
    line.outcome.textContent = words.reading;
    const asked = new URLSearchParams({ file: uploaded.file, like, publish });
    const told = await sent(`/drafts/bulk?${asked}`);
    line.outcome.textContent = told.words;
    if (told.draft) {
      const link = document.createElement("a");
      link.href = `/drafts/${told.draft}`;
      link.textContent = told.dataset;
      line.dataset.append(link);
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (start.disabled) return;
    const files = [...form.elements.files.files], like = form.elements.like.value, publish = form.elements.publish.checked;
    start.disabled = true;
    progress.hidden = false;
    form.setAttribute("aria-busy", "true");
    const lines = files.map(row);
    for (const [place, file] of files.entries()) {
      progress.value = place / files.length;
      try { await one(file, lines[place], like, publish); } catch (fault) { lines[place].outcome.textContent = fault.message; }
    }
    progress.value = 1;
    form.removeAttribute("aria-busy");
    start.disabled = false;
  });
})();
