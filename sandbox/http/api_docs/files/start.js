// Shows the description that the page names. A token that is typed in stays in this page.
const place = document.getElementById("api");
SwaggerUIBundle({ url: place.dataset.specification, domNode: place, deepLinking: true, validatorUrl: null });
