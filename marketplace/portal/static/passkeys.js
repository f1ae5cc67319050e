// Asks the browser for a passkey and sends what it gives with the form (WebAuthn, section 5.1). Without it there is a password.
"use strict";
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const options = window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON && JSON.parse(form.dataset.options);
  if (!options) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    try {
      const credential = form.dataset.passkey === "create"
        ? await navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})
        : await navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)});
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.requestSubmit();
    } catch (fault) {
      form.querySelector("[data-fault]").hidden = false;  // no passkey, or the person said no
    }
  });
}
