"use strict";
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  const viewers = window.diptych ? window.diptych.viewers : {};

  // Source lines and graphs: what is pointed at in one lights up in all.
  const lines = new Map();
  for (const element of all("[data-line][data-side]")) lines.set(`${element.dataset.side} ${element.dataset.line}`, element);
  const sides = data.sides || [];
  const group = new Map();
  const nodes = new Map();
  for (const side of sides) {
    for (const [name, node] of Object.entries(side.nodes)) {
      if (node.group !== null) push(group, node.group, [side, name]);
      if (node.line) push(nodes, `${side.mode} ${node.line}`, [side, name]);
    }
  }
  function push(map, key, value) {
    if (!map.has(key)) map.set(key, []);
    map.get(key).push(value);
  }

  let lit = [];
  function unlight() {
    for (const element of lit) element.classList.remove("lit");
    lit = [];
  }
  function light(found) {
    unlight();
    for (const [side, name] of found) {
      const element = lines.get(`${side.mode} ${side.nodes[name].line}`);
      if (element && !element.classList.contains("lit")) {
        element.classList.add("lit");
        lit.push(element);
      }
    }
  }
  function together(found) {
    const seen = new Map();
    for (const [side, name] of found) {
      const node = side.nodes[name];
      const more = node.group === null ? [[side, name]] : group.get(node.group);
      for (const each of more) seen.set(`${each[0].mode} ${each[1]}`, each);
    }
    return [...seen.values()];
  }

  // Where none of the counterparts is in sight, the other picture moves to the first, as near as it was.
  function bring(found, but) {
    for (const side of sides) {
      const viewer = viewers[side.viewer];
      if (side.viewer === but || !viewer || !viewer.width) continue;
      const here = found.filter((each) => each[0] === side).map((each) => viewer.here(each[1])).filter(Boolean);
      const frames = here.map((name) => viewer.frame(name));
      if (!frames.length) continue;
      const { scale, x, y, width, height } = viewer;
      const inside = ([left, top, w, h]) => left * scale + x > 0 && top * scale + y > 0
        && (left + w) * scale + x < width && (top + h) * scale + y < height;
      if (frames.some(inside)) continue;
      const [left, top, w, h] = frames[0];
      viewer.glide(scale, width / 2 - (left + w / 2) * scale, height / 2 - (top + h / 2) * scale);
    }
  }

  const both = document.getElementById("both");
  const hint = both ? [...both.childNodes] : [];
  function tell(found) {
    if (!both) return;
    if (!found.length) {
      both.replaceChildren(...hint);
      return;
    }
    const rows = sides.map((side) => {
      const own = found.filter((each) => each[0] === side);
      const row = make("p");
      row.append(make("span", side.mode, "side"), " ");
      if (!own.length) {
        row.append(make("span", sides.length > 1 ? "no counterpart" : "", "quiet"));
        return row;
      }
      const titles = new Map();
      for (const [, name] of own) {
        const title = side.nodes[name].title;
        titles.set(title, (titles.get(title) || 0) + 1);
      }
      row.append([...titles].map(([title, times]) => (times > 1 ? `${title} × ${times}` : title)).join(", "));
      for (const place of new Set(own.map((each) => side.nodes[each[1]].line).filter(Boolean))) {
        const element = lines.get(`${side.mode} ${place}`);
        row.append(" ", make("span", place, "quiet"), " ");
        if (element) row.append(make("code", element.querySelector("code").textContent.trim()));
      }
      return row;
    });
    both.replaceChildren(...rows);
  }

  document.addEventListener("diptych:hover", (event) => {
    const side = sides.find((each) => each.viewer === event.detail.viewer);
    if (!side) return;
    const own = event.detail.names.filter((name) => side.nodes[name]).map((name) => [side, name]);
    const found = together([...own, ...event.detail.links.flatMap((link) => group.get(link) ?? [])]);
    light(found);
    tell(found);
    bring(found, side.viewer);
  });

  function point(element) {
    const own = nodes.get(`${element.dataset.side} ${element.dataset.line}`) || [];
    const found = together(own);
    light(found);
    tell(found);
    for (const side of sides) {
      viewers[side.viewer]?.highlight(found.filter((each) => each[0] === side).map((each) => each[1]));
    }
    bring(found);
  }
  function leave() {
    unlight();
    tell([]);
    for (const side of sides) {
      viewers[side.viewer]?.highlight([]);
    }
  }
  for (const element of all(".code li.makes")) {
    element.addEventListener("pointerenter", () => point(element));
    element.addEventListener("pointerleave", leave);
    const button = element.querySelector("button");
    button.addEventListener("focus", () => point(element));
    button.addEventListener("blur", leave);
    button.addEventListener("click", () => {
      const own = nodes.get(`${element.dataset.side} ${element.dataset.line}`) || [];
      const graphs = document.getElementById("graphs");
      if (own.length && graphs) {
        graphs.scrollIntoView();
        point(element);
      }
    });
  }

  // The slider over the passes: without it all stages stand one below the other, and so they do on paper.
  for (const plan of all(".plan")) {
    const slider = plan.querySelector(".slider");
    const range = slider.querySelector("input");
    const stages = all(".stage", plan);
    const ticks = all(".ticks button", plan);
    const [back, on] = [slider.querySelector(".back"), slider.querySelector(".on")];
    const show = (at) => {
      range.value = at;
      range.setAttribute("aria-valuetext", stages[at].dataset.word);
      stages.forEach((stage, place) => { stage.hidden = place !== at; });
      ticks.forEach((tick, place) => {
        if (place === at) tick.setAttribute("aria-current", "step");
        else tick.removeAttribute("aria-current");
      });
      back.disabled = at === 0;
      on.disabled = at === stages.length - 1;
      const viewer = stages[at].querySelector(".dp");
      if (viewer) viewers[viewer.id]?.fit();
    };
    range.addEventListener("input", () => show(Number(range.value)));
    back.addEventListener("click", () => show(Math.max(0, Number(range.value) - 1)));
    on.addEventListener("click", () => show(Math.min(stages.length - 1, Number(range.value) + 1)));
    ticks.forEach((tick, at) => tick.addEventListener("click", () => show(at)));
    slider.hidden = false;
    show(0);
  }

  // The certificate: the arrays of the step that is picked.
  const steps = document.querySelector(".steps");
  if (steps && data.certificate) {
    const { layouts, stations } = data.certificate;
    const panel = document.getElementById("arrays");
    const body = panel.querySelector("tbody");
    const pick = (at) => {
      const station = stations[at];
      document.getElementById("arrays-title").textContent = station.title;
      body.replaceChildren(...layouts[station.layout].map(([what, dtype, shape], place) => {
        const digests = station.digests[place];
        const row = make("tr");
        const head = make("th", what);
        head.scope = "row";
        row.append(head, make("td", dtype), make("td", shape));
        for (const digest of Array.isArray(digests) ? digests : [digests, digests]) {
          const cell = make("td");
          cell.append(make("code", digest));
          row.append(cell);
        }
        const result = make("td");
        const apart = what in station.apart;
        result.append(make("span", apart ? `≠ ${station.apart[what]}` : "= equal", apart ? "bad" : "good"));
        row.append(result);
        return row;
      }));
      for (const button of all(".pick", steps)) {
        button.setAttribute("aria-pressed", String(Number(button.closest("tr").dataset.station) === at));
      }
    };
    steps.addEventListener("click", (event) => {
      const row = event.target.closest("tr[data-station]");
      if (row) pick(Number(row.dataset.station));
    });
    steps.addEventListener("keydown", (event) => {
      const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const row = event.target.closest("tr[data-station]");
      if (!move || !row) return;
      event.preventDefault();
      const next = steps.querySelector(`tr[data-station="${Number(row.dataset.station) + move}"] .pick`);
      if (next) {
        next.focus();
        pick(Number(row.dataset.station) + move);
      }
    });
  }

  // Contents: closed where they would push the report away, and the section that is being read marked.
  const contents = document.querySelector(".contents details");
  const wide = matchMedia("(min-width: 85rem)");
  const settle = () => { contents.open = wide.matches; };
  settle();
  wide.addEventListener("change", settle);
  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) seen.add(entry.target.id);
      else seen.delete(entry.target.id);
    }
    const first = [...links.keys()].find((id) => seen.has(id));
    if (!first) return;
    for (const [id, link] of links) {
      if (id === first) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-25% 0px -70% 0px" });
  for (const section of all("main > section")) watcher.observe(section);

  // On paper everything is open.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });
})();
