// Sends the chosen file as it is, shows how many bytes have gone, and then asks for its draft.
"use strict";
(() => {
  const form = document.getElementById("upload"), draft = document.getElementById("draft");
  const [file, start, cancel, progress, status, fault] =
    ["file", "start", "cancel", "progress", "status", "fault"].map((id) => document.getElementById(id));
  const words = form.dataset;
  const size = (bytes) => bytes >= 1048576 ? `${(bytes / 1048576).toFixed(1)} MB` : `${(bytes / 1024).toFixed(1)} KB`;
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  let request = null;

  function idle(message) {
    request = null;
    start.disabled = file.disabled = false;
    cancel.hidden = progress.hidden = true;
    status.textContent = "";
    form.removeAttribute("aria-busy");
    fault.textContent = message;
    fault.hidden = !message;
  }

  function ended() {
    let answer = null;
    try { answer = JSON.parse(request.responseText); } catch { /* not of the portal itself */ }
    if (answer && ["not_authenticated", "stale_form"].includes(answer.code)) { idle(words.ended); return; }
    if (request.status !== 201 || !answer) {
      idle(answer && answer.detail ? `${answer.detail} ${answer.remedy || ""}` : words.failed);
      return;
    }
    cancel.hidden = true;
    progress.removeAttribute("value");  // how long reading takes is not known
    status.textContent = words.reading;
    draft.elements.file.value = answer.file;
    draft.requestSubmit();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = file.files[0];
    if (request || !chosen) return;
    if (chosen.size > Number(words.most)) { idle(filled(words.large, { most: size(Number(words.most)) })); return; }
    idle("");
    request = new XMLHttpRequest();
    request.open("POST", `/uploads?name=${encodeURIComponent(chosen.name.slice(-200))}`);
    request.setRequestHeader("X-CSRF-Token", words.csrf);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept-Language", document.documentElement.lang);
    const shown = { text: "" };
    request.upload.addEventListener("progress", (event) => {
      progress.value = event.loaded / (event.total || 1);
      const text = filled(words.sending, { sent: size(event.loaded), all: size(event.total) });
      if (text !== shown.text) status.textContent = shown.text = text;
    });
    request.addEventListener("load", ended);
    request.addEventListener("error", () => idle(words.failed));
    request.addEventListener("abort", () => idle(words.cancelled));
    start.disabled = file.disabled = true;
    cancel.hidden = progress.hidden = false;
    progress.value = 0;
    form.setAttribute("aria-busy", "true");
    request.send(chosen);
  });
  cancel.addEventListener("click", () => request && request.abort());
  // a page that is shown again from the browser's memory begins anew
  addEventListener("pageshow", (event) => { if (event.persisted) idle(""); });
  for (const kind of ["dragover", "drop"]) {
    form.addEventListener(kind, (event) => {
      event.preventDefault();
      if (kind === "drop" && !request && event.dataTransfer.files.length) file.files = event.dataTransfer.files;
    });
  }
})();
