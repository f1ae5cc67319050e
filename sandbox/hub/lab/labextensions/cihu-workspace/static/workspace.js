// The workspace's own part of JupyterLab: the city's name with a way back to the portal, and a panel with
// grants, what is left of them, and columns to insert.
//
// It is read as it stands: a container of webpack's module federation, which JupyterLab loads from this
// folder alone (`server_config.py`), written by hand so that nothing has to be built. It asks the vault
// nothing itself: the panel's document comes from the notebook's sealed kernel by a silent message
// (`cihu.panel`), and is shown as text only.
"use strict";
(function () {
  const ID = "cihu-workspace";
  const WORDS = {
    en: {
      city: "Cihu", back: "Back to the portal", title: "Grants and data",
      open: "Open a notebook: what is shown here comes from its kernel.",
      wait: "Asking the vault …", busy: "The kernel is at work. The panel is read when it is idle.",
      failed: "The vault did not answer. Press “Read again”.", again: "Read again",
      grants: "Grants", none: "Your team has no grant.", ask: "Request access in the portal",
      left: (percent) => `${percent} % of the budget left`, until: (day) => `until ${day}`,
      ended: "ended", data: "Datasets", grade: (grade) => `grade ${grade}`,
      insert: (name) => `Insert ${name} into the cell`, find: "Filter datasets and columns",
    },
    zh: {
      city: "磁湖", back: "返回门户", title: "授权与数据",
      open: "请打开一个笔记本：此处内容由其内核提供。",
      wait: "正在查询数据保险库……", busy: "内核正忙，空闲后会读取此面板。",
      failed: "数据保险库没有答复，请点击“重新读取”。", again: "重新读取",
      grants: "授权", none: "您的团队没有授权。", ask: "在门户中提交使用申报",
      left: (percent) => `预算剩余 ${percent}%`, until: (day) => `有效期至 ${day}`,
      ended: "已结束", data: "数据集", grade: (grade) => `${grade} 级`,
      insert: (name) => `将 ${name} 插入单元格`, find: "筛选数据集和列",
    },
  };
  const CODE = "__import__('cihu.panel', fromlist=['panel']).panel()";
  const NARROW = 760; // CSS pixels: a phone, on which the notebook comes first

  const config = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  const language = config.cihuLanguage === "zh" ? "zh" : "en";
  const words = WORDS[language];

  function made(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  const text = (titles) => (titles ? titles[language] || titles.en || titles.zh || "" : "");

  // JupyterLab's own modules, from what it shares
  let shared;
  function module(name) {
    const versions = Object.values(shared[name]);
    return Promise.resolve(versions[0].get()).then((factory) => factory());
  }

  function portalLink() {
    const name = made("strong", {}, words.city);
    if (!config.cihuPortal) return name;
    return made("a", { href: config.cihuPortal, title: words.back, "aria-label": `${words.city}${language === "zh" ? "：" : ": "}${words.back}` },
      name, made("span", { class: "cihu-back" }, words.back));
  }

  class Panel {
    constructor(tracker, node, commands) {
      this.tracker = tracker;
      this.node = node;
      this.state = made("p", { role: "status" });
      this.found = made("div", {});
      const again = made("button", { type: "button", class: "jp-mod-styled" }, words.again);
      again.addEventListener("click", () => this.read());
      this.filter = made("input", { type: "search", placeholder: words.find, "aria-label": words.find });
      this.filter.addEventListener("input", () => this.sieve());
      node.append(made("div", { class: "cihu-bar" }, this.filter, again), this.state, this.found);
      tracker.currentChanged.connect(() => this.follow());
      this.follow();
    }

    follow() {
      const current = this.tracker.currentWidget;
      if (!current) return this.say(words.open);
      current.sessionContext.ready.then(() => this.read());
    }

    say(what) { this.state.textContent = what; }

    async read() {
      const current = this.tracker.currentWidget;
      const kernel = current && current.sessionContext.session && current.sessionContext.session.kernel;
      if (!kernel) return this.say(words.open);
      this.say(kernel.status === "busy" ? words.busy : words.wait);
      const asked = kernel.requestExecute(
        { code: "", silent: true, store_history: false, user_expressions: { panel: CODE } }, true);
      try {
        const reply = await asked.done;
        const told = reply.content.user_expressions && reply.content.user_expressions.panel;
        const document = told && told.status === "ok" && told.data["application/json"];
        if (!document) return this.say(words.failed);
        this.say("");
        this.show(document);
      } catch (_) { // the kernel ended meanwhile: the next one is asked
        this.say(words.open);
      }
    }

    show(document) {
      const grants = document.grants.map((one) => made("li", {},
        made("strong", { translate: "no" }, one.dataset), ` · ${one.team}`, made("br", {}),
        one.status === "live"
          ? `${one.percent_left === null ? "" : words.left(one.percent_left.toFixed(1)) + " · "}${words.until(one.until)}`
          : words.ended));
      const datasets = document.datasets.map((one) => {
        const list = made("ul", {}, ...one.columns.map((column) => made("li", {},
          this.insertable(column.name), ` ${text(column.title)}`, made("small", {}, ` ${column.type}`))));
        return made("details", { "data-name": one.name }, made("summary", {},
          made("span", { translate: "no" }, one.name), ` ${text(one.title)} `,
          made("small", {}, words.grade(one.grade))), this.insertable(one.name), list);
      });
      const request = config.cihuPortal ? made("a", { href: config.cihuPortal + "/requests" }, words.ask) : null;
      this.found.replaceChildren(
        made("h2", {}, words.grants),
        grants.length ? made("ul", {}, ...grants) : made("p", {}, words.none + " ", request),
        made("h2", {}, words.data), ...datasets);
      this.sieve();
    }

    sieve() {
      const wanted = this.filter.value.trim().toLowerCase();
      for (const dataset of this.found.querySelectorAll("details")) {
        const named = dataset.querySelector("summary").textContent.toLowerCase().includes(wanted);
        let any = false;
        for (const column of dataset.querySelectorAll("li")) {
          column.hidden = !named && !column.textContent.toLowerCase().includes(wanted);
          any = any || !column.hidden;
        }
        dataset.hidden = !named && !any;
        if (wanted) dataset.open = !named && any;
      }
    }

    insertable(name) {
      const button = made("button", { type: "button", class: "cihu-insert", translate: "no",
        "aria-label": words.insert(name), title: words.insert(name) }, name);
      button.addEventListener("click", () => {
        const cell = this.tracker.activeCell;
        if (!cell || !cell.editor) return;
        cell.editor.replaceSelection(/^[A-Za-z_][A-Za-z0-9_.]*$/.test(name) ? name : `"${name}"`);
        cell.editor.focus();
      });
      return button;
    }
  }

  const STYLE = `
    #cihu-top { display: flex; align-items: center; padding: 0 12px; }
    #cihu-top a { color: var(--jp-ui-font-color1); text-decoration: none; display: flex; gap: 8px; }
    #cihu-top a:hover .cihu-back, #cihu-top a:focus-visible .cihu-back { text-decoration: underline; }
    #cihu-top strong { color: var(--jp-brand-color1); }
    #cihu-panel { overflow: auto; padding: 8px 12px; background: var(--jp-layout-color1); color: var(--jp-ui-font-color1); }
    #cihu-panel h2 { font-size: var(--jp-ui-font-size1); margin: 12px 0 4px; }
    #cihu-panel ul { margin: 0 0 8px; padding-left: 16px; }
    #cihu-panel li { margin: 4px 0; overflow-wrap: anywhere; }
    #cihu-panel small { color: var(--jp-ui-font-color2); }
    #cihu-panel summary { cursor: pointer; margin: 6px 0; }
    #cihu-panel .cihu-bar { display: flex; gap: 8px; }
    #cihu-panel .cihu-bar input { flex: 1; min-width: 0; }
    #cihu-panel .cihu-insert { font-family: var(--jp-code-font-family); border: 1px solid var(--jp-border-color1);
      background: var(--jp-layout-color2); color: inherit; border-radius: 3px; cursor: pointer; }
    :root, [data-jp-theme-light="true"] { --jp-brand-color0: #0b4a52; --jp-brand-color1: #0f6a75; --jp-brand-color2: #3f8d97; --jp-brand-color3: #a9cfd4; }
    [data-jp-theme-light="false"] { --jp-brand-color0: #9fd3da; --jp-brand-color1: #6bbac4; --jp-brand-color2: #3f8d97; --jp-brand-color3: #1e5d66; }
  `;

  async function plugins() {
    const [{ Widget }, { INotebookTracker }] = await Promise.all([
      module("@lumino/widgets"), module("@jupyterlab/notebook"),
    ]);
    return [{
      id: `${ID}:panel`,
      autoStart: true,
      requires: [INotebookTracker],
      activate: (app, tracker) => {
        document.head.append(made("style", {}, STYLE));
        const top = new Widget({ node: made("div", {}, portalLink()) });
        top.id = "cihu-top";
        app.shell.add(top, "top", { rank: 0 });
        const side = new Widget();
        side.id = "cihu-panel";
        side.title.label = words.title;
        side.title.caption = words.title;
        app.shell.add(side, "left", { rank: 50 });
        new Panel(tracker, side.node);
        app.restored.then(() => {
          if (window.innerWidth >= NARROW) return;
          app.shell.collapseLeft();
          app.shell.mode = "single-document";
        });
      },
    }];
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[ID] = {
    init: (scope) => { shared = scope; },
    get: async (name) => {
      if (name !== "./extension") throw new Error(`${ID} has no ${name}`);
      const found = await plugins();
      return () => ({ __esModule: true, default: found });
    },
  };
})();
